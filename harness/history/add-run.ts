import { readRun } from '../../results/store/read-run.ts';
import { findRun } from '../run/find-run.ts';
import { appendHistory } from './history-file.ts';
import { pointsOfRun } from './points-of-run.ts';

/** Appends a finished run to a history file; answers how many points it added. */
export async function addRun(
  file: string,
  runsDir: string,
  named: string,
  commit: string | null,
): Promise<number> {
  const points = pointsOfRun(await readRun(await findRun(runsDir, named)), commit);
  await appendHistory(file, points);
  return points.length;
}
