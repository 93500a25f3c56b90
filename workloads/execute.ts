import type { BoxResult, Session } from './contract.ts';

/** One program inside the instance under the trial's own limits. */
export function execute(session: Session<unknown>, argv: string[], cwd?: string): Promise<BoxResult> {
  return session.box.exec(argv, {
    timeoutMs: session.timeoutMs,
    signal: session.signal,
    ...(cwd === undefined ? {} : { cwd }),
  });
}
