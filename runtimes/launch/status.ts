import { BenchError } from '../../results/bench-error.ts';
import { describeOp } from './describe.ts';
import type { LaunchPlan } from './ops.ts';

/** ru_inblock and ru_oublock count these (getrusage(2)). */
const RUSAGE_BLOCK = 512;

/** What failed, as the launcher reported it. */
export interface LaunchFailure {
  /** Index in the plan; -1 before the plan was played. */
  index: number;
  errno: number;
  /** The errno's text, and more words where the launcher has them. */
  words: string;
}

/** The launcher's reports so far. */
export interface LaunchStatus {
  /** Pid of a clone's child, in the launcher's own pid namespace. */
  childPid: number | null;
  /** The program executes, or the init sleeps. */
  running: boolean;
  failure: LaunchFailure | null;
  exit: { code: number | null; signal: number | null } | null;
  /** Operations that were refused and are optional. */
  notes: LaunchFailure[];
  /** Words of `report` operations with the host's monotonic time they arrived, ns. */
  reports: { words: string; atNs: bigint }[];
  done: boolean;
  /** Bytes the ended program and its awaited children read from and wrote to block devices; null until it ended. */
  io: { readBytes: number; writeBytes: number } | null;
  /** CPU time of the ended program and its awaited children, ms; null until it ended. */
  cpu: { userMs: number; systemMs: number } | null;
}

/** Reads the launcher's status lines; fed with whatever arrived, keeps what is incomplete. */
export class StatusReader {
  readonly status: LaunchStatus = {
    childPid: null,
    running: false,
    failure: null,
    exit: null,
    notes: [],
    reports: [],
    done: false,
    io: null,
    cpu: null,
  };
  private rest = '';

  push(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  private line(line: string): void {
    const [word = '', ...rest] = line.split(' ');
    const status = this.status;
    if (word === 'pid') status.childPid = Number(rest[0]);
    else if (word === 'started' || word === 'ready') status.running = true;
    else if (word === 'fail') status.failure ??= failureOf(rest);
    else if (word === 'note') status.notes.push(failureOf(rest));
    else if (word === 'exit') status.exit = exitOf(rest);
    else if (word === 'io')
      status.io = { readBytes: Number(rest[0]) * RUSAGE_BLOCK, writeBytes: Number(rest[1]) * RUSAGE_BLOCK };
    else if (word === 'cpu')
      status.cpu = { userMs: Number(rest[0]) / 1000, systemMs: Number(rest[1]) / 1000 };
    else if (word === 'report') status.reports.push({ words: rest.join(' '), atNs: process.hrtime.bigint() });
    else if (word === 'done') status.done = true;
  }
}

function failureOf(rest: string[]): LaunchFailure {
  return { index: Number(rest[0]), errno: Number(rest[1]), words: rest.slice(2).join(' ') };
}

function exitOf(rest: string[]): { code: number | null; signal: number | null } {
  const code = Number(rest[0]);
  const signal = Number(rest[1]);
  return signal > 0 ? { code: null, signal } : { code, signal: null };
}

/** A failure as the error a user meets: "mounting proc on /proc: Operation not permitted". */
export function launchError(plan: LaunchPlan, failure: LaunchFailure): BenchError {
  const op = plan[failure.index];
  const what = op ? describeOp(op) : 'starting the launcher';
  return new BenchError('launch-failed', `${what}: ${failure.words}`, {
    cause: { operation: op?.op ?? null, ...failure },
    hint: hintOf(failure.words),
  });
}

function hintOf(words: string): string | undefined {
  if (words.startsWith('Operation not permitted') || words.startsWith('Permission denied'))
    return 'this needs root, or a user namespace where the kernel allows it';
  return undefined;
}
