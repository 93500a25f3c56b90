import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { BenchError } from '../../results/bench-error.ts';
import { importNested } from '../../results/import/nested.ts';
import type { Replication } from '../../results/record/replication.ts';
import type { Run } from '../../results/store/read-run.ts';
import { repetitionsOfRun, RUN_LEVELS } from '../../results/summarize/repetitions.ts';
import { replicationOf, type ReplicationOptions } from '../../results/summarize/replication.ts';

export interface ReplicateOptions extends Pick<ReplicationOptions, 'precision' | 'confidence'> {
  /** Level columns, outermost first; null: those of round, start, iteration that the file has. */
  levels: readonly string[] | null;
  /** Cost of one more repetition by level; null: all the same, or what a run took. */
  costs: ReadonlyMap<string, number> | null;
}

/** Whether a name is a run rather than a file of numbers. */
export function isRun(named: string): boolean {
  return named === 'latest' || existsSync(join(named, 'plan.json'));
}

/** Where repetition pays, from a file of nested values ('-' is standard input). */
export async function replicateFile(file: string, options: ReplicateOptions): Promise<Replication> {
  const place = file === '-' ? 'standard input' : file;
  const text = await (file === '-' ? textOf(process.stdin) : readFile(file, 'utf8')).catch(
    (cause: unknown) => {
      throw new BenchError('file-unreadable', `${place} cannot be read (${(cause as Error).message})`, {
        cause,
      });
    },
  );
  const { levels, series, warnings } = importNested(text, place, options.levels);
  const costs = costsOf(levels, options.costs);
  if (!options.costs)
    warnings.push('no costs were given: every level is taken to cost the same (--cost round=…,start=…)');
  return replicationOf(
    series.map((one) => ({ ...one, costs })),
    { ...options, ...{ source: place, levels, warnings }, costUnit: 'as given' },
  );
}

/** Where repetition pays, from a finished run: its boxes' own costs, by rounds and by starts within a round. */
export function replicateRun(run: Run, options: ReplicateOptions): Replication {
  const series = repetitionsOfRun(run.plan, run.trials);
  const given = options.costs && costsOf(RUN_LEVELS, options.costs);
  return replicationOf(given ? series.map((one) => ({ ...one, costs: given })) : series, {
    ...options,
    ...{ source: run.plan.runId, levels: RUN_LEVELS, costUnit: given ? 'as given' : 's' },
    warnings: [
      ...run.warnings,
      'what a workload measures is repeated by rounds alone: bench plan --from tells how many of those it takes',
    ],
  });
}

function costsOf(levels: readonly string[], costs: ReadonlyMap<string, number> | null): number[] {
  const unknown = [...(costs?.keys() ?? [])].filter((name) => !levels.includes(name));
  const absent = costs ? levels.filter((name) => !costs.has(name)) : [];
  if (unknown.length > 0 || absent.length > 0)
    throw new BenchError(
      'usage-costs',
      unknown.length > 0
        ? `there is no level ${unknown.join(', ')}; the levels are ${levels.join(', ')}`
        : `no cost is given for ${absent.join(', ')}`,
      { hint: `write --cost ${levels.map((name) => `${name}=…`).join(',')}` },
    );
  const inner = levels.at(-1) ?? '';
  if (costs && !((costs.get(inner) ?? 0) > 0))
    throw new BenchError('usage-costs', `${inner} cannot cost nothing: it would be repeated for ever`);
  return levels.map((name) => costs?.get(name) ?? 1);
}
