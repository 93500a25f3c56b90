import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { BenchError } from '../../../results/bench-error.ts';
import { encodePlan } from '../../launch/encode.ts';
import type { LaunchPlan } from '../../launch/ops.ts';
import { launchError, StatusReader } from '../../launch/status.ts';

/** The word that a plan reports when its program waits at the start gate. */
export const CREATED = 'created';

/** Longer than any container takes to be made, hooks included; a hang ends in a named failure. */
const LAUNCH_LIMIT_MS = 120_000;

/** Signals that a foreground container gets when we do. */
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A program played by the launcher on the caller's own standard streams. */
export interface Played {
  /** Host pid of the program. */
  pid: number;
  /** Lets it live on without us: it becomes the child of whoever reaps here (a shim, conmon, init). */
  letGo(): Promise<void>;
  /** Passes signals on and waits for the end: the exit code, or 128 and the signal's number. */
  wait(): Promise<number>;
}

/**
 * Plays a plan on our own stdin, stdout and stderr, and resolves when the program waits at its gate or executes. The
 * first process is a grandchild of ours, below the launcher's monitor; ending the monitor hands it to the nearest
 * subreaper, which is what containerd's shim and conmon count on.
 *
 * @throws BenchError `launch-failed`, naming the operation and the errno.
 */
export async function playHere(launcher: string, plan: LaunchPlan, preserveFds = 0): Promise<Played> {
  const kept = Array.from({ length: preserveFds }, (_, index) => 3 + index);
  const planFd = 3 + preserveFds;
  const child = spawn(launcher, [String(planFd), String(planFd + 1)], {
    stdio: [0, 1, 2, ...kept, 'pipe', 'pipe'],
    env: {},
  });
  const planStream = child.stdio[planFd] as unknown as Writable;
  const statusStream = child.stdio[planFd + 1] as unknown as Readable;
  planStream.on('error', () => undefined); // a launcher that ends early says why on the status
  planStream.end(encodePlan(plan));
  const reader = new StatusReader();
  const ended = exitOf(child);
  await untilReady(child, statusStream, reader, plan);
  const pid = reader.status.childPid;
  if (pid === null) throw new BenchError('launch-failed', 'the launcher made no process');
  return {
    pid,
    async letGo() {
      child.kill('SIGKILL');
      statusStream.destroy();
      await ended; // from here on the program is not the launcher's child any more
    },
    async wait() {
      const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
      for (const signal of PASSED_ON) process.on(signal, pass);
      try {
        return await ended;
      } finally {
        for (const signal of PASSED_ON) process.off(signal, pass);
      }
    },
  };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    child.once('error', () => resolve(127));
  });
}

function untilReady(
  child: ChildProcess,
  stream: Readable,
  reader: StatusReader,
  plan: LaunchPlan,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { status } = reader;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new BenchError('launch-failed', `the container was not made within ${LAUNCH_LIMIT_MS / 1000} s`),
      );
    }, LAUNCH_LIMIT_MS);
    const settle = (atEnd: boolean): void => {
      const ready = status.running || status.reports.some(({ words }) => words === CREATED);
      if (!status.failure && !ready && !atEnd) return;
      clearTimeout(timer);
      if (status.failure) reject(launchError(plan, status.failure));
      else if (ready) resolve();
      else reject(new BenchError('launch-failed', 'the launcher ended without a word'));
    };
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(
        new BenchError('launcher-missing', `the launcher cannot be started: ${cause.message}`, { cause }),
      );
    });
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      reader.push(text);
      settle(false);
    });
    stream.on('close', () => settle(true));
    stream.on('error', () => undefined);
  });
}
