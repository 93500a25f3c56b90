import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { BenchError } from '../../results/bench-error.ts';
import type { ExecResult } from '../contract.ts';
import { encodePlan } from './encode.ts';
import type { LauncherAhead } from './launcher-ahead.ts';
import type { LaunchPlan, Op } from './ops.ts';
import { isPlain, PLAN_FD, spawnLauncher, STATUS_FD, type Streams } from './spawn-launcher.ts';
import { launchError, StatusReader, type LaunchStatus } from './status.ts';

/** After the program ended, how long its output may still be held open by something it left behind. */
const DRAIN_MS = 250;
/** The word a plan reports before its start gate; startPlan then resolves. */
export const PARKED = 'created';

export interface LaunchRequest {
  /** The compiled launcher, from ensureLauncher. */
  launcher: string;
  plan: LaunchPlan;
  /** Written to the program's standard input, which is then closed; 0 hands on our own. Without it the program reads end of file at once. */
  stdin?: string | Uint8Array | 0;
  /** The program's whole session is killed after this long. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** 'pipe' (default) collects output; numbers are descriptors of ours handed to the program as they are. */
  stdout?: 'pipe' | 'ignore' | number;
  stderr?: 'pipe' | 'ignore' | number;
  /** Called with output as it comes, both streams; it is then not collected. */
  onOutput?: (chunk: Buffer) => void;
  /** A session of its own, so that it outlives this process (its plan must then have no death-signal). */
  detached?: boolean;
  /** A launcher that may wait already; used where the request's streams are the plain ones. */
  ahead?: LauncherAhead;
}

/** How a launched program ended. */
export interface LaunchExit {
  exitCode: number | null;
  /** e.g. 'SIGKILL'. */
  signal: string | null;
  timedOut: boolean;
  stdout: string;
  stderr: string;
  /** Host monotonic time from the request to the end, ns. */
  wallNs: number;
}

/** A launched program that runs. */
export interface Launched {
  /** Host pid of the program: the clone's child where the plan has one. */
  pid: number;
  /** Host pid of the process we started, which waits for the program; the same as `pid` without a clone. */
  launcherPid: number;
  status: Readonly<LaunchStatus>;
  /** What was printed so far. */
  stdout(): string;
  stderr(): string;
  exited: Promise<LaunchExit>;
  /** Lets it go on without us: we neither read nor wait any more. For plans without a death-signal. */
  release(): void;
  /** Kills the program's session and the process that waits for it; resolves when both are gone. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Ends with its owner: the first operation of every plan whose process must not outlive this one. */
export function diesWithUs(): Op {
  return { op: 'death-signal', signal: constants.signals.SIGKILL, parent: process.pid };
}

/**
 * Plays a plan and resolves when its program executes (or its init sleeps, or the plan ended without a program).
 *
 * @throws BenchError `launch-failed`, naming the operation and the errno; `launcher-missing`.
 */
export async function startPlan(request: LaunchRequest): Promise<Launched> {
  const launch = new Launch(request);
  await launch.running;
  return launch;
}

/**
 * Plays a plan to its end and collects what its program printed. A program that does not exist or cannot be executed is
 * an ExecResult with exit code 127 or 126 and a line on stderr, as a shell reports it.
 *
 * @throws BenchError `launch-failed`, `launch-aborted`.
 */
export async function runPlan(
  request: LaunchRequest,
): Promise<ExecResult & Pick<LaunchStatus, 'io' | 'cpu'>> {
  const launch = new Launch(request);
  launch.running.catch(() => undefined);
  const exit = await launch.exited;
  const failure = launch.status.failure;
  if (failure && request.plan[failure.index]?.op !== 'exec') throw launchError(request.plan, failure);
  if (request.signal?.aborted)
    throw new BenchError('launch-aborted', 'interrupted', { cause: request.signal.reason });
  const stderr = failure ? `${exit.stderr}${launchError(request.plan, failure).message}\n` : exit.stderr;
  return { ...exit, stderr, io: launch.status.io, cpu: launch.status.cpu };
}

function launcherFor(request: LaunchRequest): ChildProcess {
  const streams: Streams = {
    stdin: request.stdin === undefined ? 'ignore' : request.stdin === 0 ? 0 : 'pipe',
    stdout: request.stdout ?? 'pipe',
    stderr: request.stderr ?? 'pipe',
  };
  const waiting = isPlain(streams) && !request.detached ? request.ahead?.take(request.launcher) : null;
  return waiting ?? spawnLauncher(request.launcher, streams, { detached: request.detached });
}

class Launch implements Launched {
  readonly status: Readonly<LaunchStatus>;
  readonly exited: Promise<LaunchExit>;
  readonly running: Promise<void>;
  private readonly child: ChildProcess;
  private readonly reader = new StatusReader();
  private readonly collected: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  private ended = false;
  private timedOut = false;

  constructor(request: LaunchRequest) {
    const begun = process.hrtime.bigint();
    this.status = this.reader.status;
    this.child = launcherFor(request);
    const streams = this.child.stdio as (Readable | Writable | null | undefined)[];
    this.feed(streams[PLAN_FD] as Writable, encodePlan(request.plan));
    if (request.stdin !== undefined && request.stdin !== 0) this.feed(streams[0] as Writable, request.stdin);
    this.collect(this.child.stdout, request.onOutput ?? ((chunk) => this.collected.stdout.push(chunk)));
    this.collect(this.child.stderr, request.onOutput ?? ((chunk) => this.collected.stderr.push(chunk)));
    const statusStream = streams[STATUS_FD] as Readable;
    this.running = this.awaitRunning(statusStream, request);
    this.exited = this.awaitExit(begun, request);
  }

  get pid(): number {
    return this.status.childPid ?? this.launcherPid;
  }

  get launcherPid(): number {
    return this.child.pid ?? -1;
  }

  stdout(): string {
    return Buffer.concat(this.collected.stdout).toString('utf8');
  }

  stderr(): string {
    return Buffer.concat(this.collected.stderr).toString('utf8');
  }

  release(): void {
    this.child.unref();
    for (const stream of this.child.stdio) stream?.destroy();
  }

  /** Everything is made and the program waits at its start gate. */
  private isParked(): boolean {
    return this.status.reports.some(({ words }) => words === PARKED);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.kill(signal);
    await this.exited;
  }

  private kill(signal: NodeJS.Signals): void {
    if (this.ended || this.child.pid === undefined) return;
    for (const pid of [-this.pid, this.pid]) {
      try {
        process.kill(pid, signal);
      } catch {
        // No such group, or gone already.
      }
    }
    if (signal === 'SIGKILL' && this.status.childPid === null) this.child.kill(signal);
  }

  private feed(stream: Writable, bytes: string | Uint8Array): void {
    // A launcher or program that ends without reading all of it says why by its exit.
    stream.on('error', () => undefined);
    stream.end(bytes);
  }

  private collect(stream: Readable | null, take: (chunk: Buffer) => void): void {
    stream?.on('data', take);
    stream?.on('error', () => undefined);
  }

  private awaitRunning(stream: Readable, request: LaunchRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.child.once('error', (error) => reject(spawnError(request.launcher, error)));
      const settle = (atEnd: boolean): void => {
        if (this.status.failure) reject(launchError(request.plan, this.status.failure));
        else if (this.status.running || this.status.done || this.isParked() || atEnd) resolve();
      };
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.reader.push(text);
        settle(false);
      });
      stream.on('close', () => settle(true));
      stream.on('error', () => undefined);
    });
  }

  private awaitExit(begun: bigint, request: LaunchRequest): Promise<LaunchExit> {
    return new Promise((resolve, reject) => {
      const timer =
        request.timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.timedOut = true;
              this.kill('SIGKILL');
            }, request.timeoutMs);
      const abort = (): void => this.kill('SIGKILL');
      request.signal?.addEventListener('abort', abort, { once: true });
      if (request.signal?.aborted) abort();
      let drain: NodeJS.Timeout | undefined;
      let endedNs = begun;
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        clearTimeout(drain);
        const exit = this.status.exit;
        resolve({
          exitCode: exit ? exit.code : code,
          signal: exit ? signalName(exit.signal) : signal,
          timedOut: this.timedOut,
          stdout: this.stdout(),
          stderr: this.stderr(),
          wallNs: Number(endedNs - begun),
        });
      };
      this.child.once('error', (error) => reject(spawnError(request.launcher, error)));
      this.child.once('exit', (code, signal) => {
        endedNs = process.hrtime.bigint();
        this.ended = true;
        clearTimeout(timer);
        request.signal?.removeEventListener('abort', abort);
        drain = setTimeout(() => {
          for (const stream of this.child.stdio) stream?.destroy();
          finish(code, signal);
        }, DRAIN_MS);
      });
      this.child.once('close', finish);
    });
  }
}

function spawnError(launcher: string, error: Error): BenchError {
  return new BenchError('launcher-missing', `the launcher ${launcher} cannot be started: ${error.message}`, {
    hint: 'npm run build:launcher',
    cause: error,
  });
}

function signalName(signal: number | null): string | null {
  if (signal === null) return null;
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
}
