import type { Summary } from '../../results/record/summary.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { listRuns } from '../../results/store/list-runs.ts';
import { readRun, type Run } from '../../results/store/read-run.ts';

/**
 * What the newest run says, for an estimate; undefined when there is none, or when it can't be read or summarised: that
 * must not stop a new run.
 */
export async function newestSummary(runsDir: string): Promise<Summary | undefined> {
  const run = await newestRun(runsDir);
  try {
    return run && summarize(run);
  } catch {
    return undefined;
  }
}

/** The newest readable run on this machine that recorded something, to learn times and noise from. */
export async function newestRun(runsDir: string): Promise<Run | undefined> {
  const newest = (await listRuns(runsDir)).filter((run) => run.readable && run.recorded > 0).at(-1);
  // It only serves an estimate: one that can't be read must not stop a new run.
  return newest && readRun(newest.path).catch(() => undefined);
}
