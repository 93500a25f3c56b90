import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { listRuns } from '../../results/store/list-runs.ts';
import { nearestWord } from '../matrix/problem.ts';

/** The folder of a run that a user named: a path, a run id below results/runs, or `latest`. */
export async function findRun(runsDir: string, named: string): Promise<string> {
  if (named !== 'latest' && existsSync(join(named, 'plan.json'))) return named;
  const runs = await listRuns(runsDir);
  if (named === 'latest') {
    const latest = runs.filter((run) => run.readable).at(-1);
    if (latest) return latest.path;
    throw new BenchError('not-a-run', `there is no run in ${runsDir} yet`, { hint: 'bench run --matrix' });
  }
  const same = runs.find((run) => basename(run.path) === named);
  if (same) return same.path;
  const near = nearestWord(
    named,
    runs.map((run) => basename(run.path)),
  );
  throw new BenchError(
    'not-a-run',
    `"${named}" is no run: no folder with a plan.json, and no id in ${runsDir}`,
    {
      hint: near
        ? `did you mean "${near}"? bench list runs shows them all`
        : 'bench list runs shows them all',
    },
  );
}
