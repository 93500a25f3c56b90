import { join } from 'node:path';
import { fixtureArms } from '../runs/arms.ts';
import { makeRun } from '../runs/make-run.ts';
import { writeRun } from '../runs/write-fixtures.ts';
import { fixtureWorkloads } from '../runs/workloads.ts';

const DAY_MS = 24 * 3_600_000;
const FIRST = Date.parse('2026-09-01T06:00:00.000Z');

/** Runs of one small matrix, a day apart; from `jumpAt` on the container costs a fifth more. Returns their folders. */
export async function writeRuns(folder: string, count: number, jumpAt = Infinity): Promise<string[]> {
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const workload = fixtureWorkloads[0]!;
    const cost = { ...workload.cost, container: i >= jumpAt ? 1.2 : 1.0008 };
    const run = makeRun({
      seed: 1000 + i,
      rounds: 6,
      arms: [fixtureArms[0]!, fixtureArms[1]!, fixtureArms[2]!],
      workloads: [{ ...workload, cost }],
      fates: {},
      voided: [],
      name: 'daily',
      started: FIRST + i * DAY_MS,
    });
    const path = join(folder, `run-${i}`);
    await writeRun(path, run);
    paths.push(path);
  }
  return paths;
}
