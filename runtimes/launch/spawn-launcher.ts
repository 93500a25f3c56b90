import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/** Descriptors of the launcher: the plan comes in on one, its reports go out on the other. */
export const PLAN_FD = 3;
export const STATUS_FD = 4;

/** The standard streams of a launched program, as spawn takes them. */
export interface Streams {
  stdin: 'ignore' | 'pipe' | number;
  stdout: 'pipe' | 'ignore' | number;
  stderr: 'pipe' | 'ignore' | number;
}

/** What a program gets when nothing else is asked: nothing to read, its output collected. */
export const PLAIN_STREAMS: Streams = { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' };

export function isPlain(streams: Streams): boolean {
  return streams.stdin === 'ignore' && streams.stdout === 'pipe' && streams.stderr === 'pipe';
}

/** Starts the launcher; it makes itself unreachable (c/seal.c) and then waits for its plan. With `announce` it says so. */
export function spawnLauncher(
  launcher: string,
  streams: Streams,
  options: { detached?: boolean; announce?: boolean } = {},
): ChildProcess {
  const stdio: StdioOptions = [streams.stdin, streams.stdout, streams.stderr, 'pipe', 'pipe'];
  const argv = [String(PLAN_FD), String(STATUS_FD), ...(options.announce ? ['announce'] : [])];
  return spawn(launcher, argv, { stdio, env: {}, detached: options.detached ?? false });
}
