import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packagePath } from '../../../results/package-root.ts';
import { makeRun, type FixtureRun } from './make-run.ts';

/** Writes a fixture as the folder of a run, without summary and page (they are recomputed from it). */
export async function writeRun(folder: string, run: FixtureRun): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = (value: unknown): string => JSON.stringify(value, null, 2) + '\n';
  await writeFile(join(folder, 'plan.json'), json(run.plan));
  await writeFile(join(folder, 'host.json'), json(run.host));
  await writeFile(join(folder, 'matrix.yaml'), run.matrixText);
  await writeFile(
    join(folder, 'trials.jsonl'),
    run.trials.map((trial) => JSON.stringify(trial) + '\n').join(''),
  );
}

/** `tsx tests/reports/runs/write-fixtures.ts` renews tests/fixtures/runs/quick. */
if (process.argv[1] === import.meta.filename) {
  const folder = packagePath('tests', 'fixtures', 'runs', 'quick');
  await rm(folder, { recursive: true, force: true });
  await writeRun(folder, makeRun());
}
