import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog } from '../../harness/catalog.ts';
import { parseMatrix } from '../../harness/matrix/load-matrix.ts';
import { buildPlan } from '../../harness/plan/build-plan.ts';
import { prepareArms } from '../../harness/run/prepare-arms.ts';
import type { Observer } from '../../harness/trial/observer.ts';
import { runSchedule } from '../../harness/trial/scheduler.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';

export const HOST = { cpus: [0, 1], memoryMiB: 8192 };

/** A plan over a catalog of fakes, from a matrix text. */
export function planOf(text: string, catalog: Catalog, seed = 'seed'): Plan {
  const matrix = parseMatrix(text, '/tmp/fake.yaml', catalog, HOST);
  return buildPlan({
    matrix,
    catalog,
    runId: 'fake',
    seed,
    createdAt: '2026-01-01T00:00:00.000Z',
    command: 'bench run --matrix fake.yaml',
    tareVersion: '0.0.0',
    cpus: { cpuset: [1], housekeeping: [0] },
    image: null,
    prepared: new Map(),
  });
}

/** Runs a plan over fakes in a temporary folder; returns the records as they were appended. */
export async function runFake(
  plan: Plan,
  catalog: Catalog,
  observer: Observer,
  options: { abort?: AbortController; recorded?: TrialRecord[] } = {},
): Promise<TrialRecord[]> {
  const runFolder = mkdtempSync(join(tmpdir(), 'tare-fake-run-'));
  const { signal } = options.abort ?? new AbortController();
  const appended: TrialRecord[] = [];
  try {
    const context = {
      owner: 'tare-fake',
      cacheDir: runFolder,
      scratchDir: runFolder,
      resources: plan.resources,
      signal,
      log: () => undefined,
    };
    const prepared = await prepareArms(plan.arms, catalog, null, context);
    await runSchedule({
      plan,
      catalog,
      prepared,
      recorded: options.recorded ?? [],
      runFolder,
      observer,
      signal,
      append: (record) => {
        appended.push(record);
        return Promise.resolve();
      },
    });
  } finally {
    rmSync(runFolder, { recursive: true, force: true });
  }
  return appended;
}
