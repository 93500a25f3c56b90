import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { PLAIN_STREAMS, spawnLauncher, STATUS_FD } from './spawn-launcher.ts';

/** What the launcher writes first when it was asked to announce itself. */
const WAITING = 'waiting\n';

/**
 * One launcher started ahead of the plan it will play. Forking this process, loading the launcher and sealing it cost
 * more than half of a start, and none of that depends on the container: it is done while nobody waits (before the run, or
 * between two trials) and never while something is timed. Whoever takes it decides when the next one is made.
 *
 * The waiting process holds nothing but its pipes; when its owner dies it reads the end of its plan and ends.
 */
export class LauncherAhead {
  private readonly launcher: string;
  private child: ChildProcess | null = null;

  constructor(launcher: string) {
    this.launcher = launcher;
  }

  /** Pid of the one that waits. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Resolves when a launcher waits, or is known not to come; starting it anew is then left to whoever needs one. */
  async prepare(): Promise<void> {
    if (this.child && isAlive(this.child)) return;
    const child = spawnLauncher(this.launcher, PLAIN_STREAMS, { announce: true });
    const waits = await announced(child);
    if (!waits || this.child) {
      child.kill('SIGKILL');
      return;
    }
    hold(child, false);
    this.child = child;
  }

  /** The waiting launcher, if there is one for this executable. It is the caller's from then on. */
  take(launcher: string): ChildProcess | null {
    const child = this.child;
    if (!child || launcher !== this.launcher) return null;
    this.child = null;
    if (!isAlive(child)) return null;
    hold(child, true);
    return child;
  }

  /** Ends the one that waits. Idempotent. */
  close(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** A process that waits for a plan must not keep ours from ending. */
function hold(child: ChildProcess, held: boolean): void {
  const verb = held ? 'ref' : 'unref';
  child[verb]();
  for (const stream of child.stdio) (stream as { ref?(): void; unref?(): void } | null)?.[verb]?.();
}

function announced(child: ChildProcess): Promise<boolean> {
  const status = child.stdio[STATUS_FD] as Readable;
  return new Promise((resolve) => {
    const settle = (waits: boolean): void => {
      status.off('readable', look);
      child.off('error', gone);
      child.off('exit', gone);
      resolve(waits);
    };
    const look = (): void => {
      const bytes = status.read(WAITING.length) as Buffer | null;
      if (bytes) settle(bytes.toString('latin1') === WAITING);
    };
    const gone = (): void => settle(false);
    status.on('readable', look);
    child.once('error', gone);
    child.once('exit', gone);
  });
}
