import { createHash } from 'node:crypto';
import { BenchError } from '../../results/bench-error.ts';
import { packageVersion } from '../../results/package-root.ts';
import type { Summary } from '../../results/record/summary.ts';
import { readRun, type Run } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';

/** A run on the site. */
export interface PublishedRun extends Run {
  /** Its folder on the site: letters, digits, dot, dash, underscore. */
  slug: string;
  summary: Summary;
  /** Changes when the page would: the run's data and our version. */
  source: string;
}

/** Reads the runs, oldest first. Two of the same id are told apart when they differ, and refused when one is there twice. */
export async function readRuns(paths: readonly string[]): Promise<PublishedRun[]> {
  const runs: PublishedRun[] = [];
  for (const path of paths) {
    const run = await readRun(path);
    const summary = summarize(run);
    const source = createHash('sha256')
      .update(JSON.stringify([packageVersion(), run.plan, run.host, run.trials, run.matrixText]))
      .digest('hex');
    if (runs.some((other) => other.source === source))
      throw new BenchError('run-twice', `${path} is the same run as another one given`, {
        hint: 'name each run once',
      });
    runs.push({ ...run, summary, source, slug: slugOf(run.plan.runId, source, runs) });
  }
  return runs.sort(
    (a, b) =>
      compare(a.plan.createdAt, b.plan.createdAt) ||
      compare(a.plan.runId, b.plan.runId) ||
      compare(a.source, b.source),
  );
}

function slugOf(runId: string, source: string, others: readonly PublishedRun[]): string {
  const plain = runId
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  const isPlain = plain === runId && !others.some((other) => other.slug === plain);
  return isPlain ? plain : `${plain || 'run'}-${source.slice(0, 8)}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
