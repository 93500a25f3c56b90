import type { CellSummary, Comparison } from '../record/summary.ts';
import { compareSeries, type ComparisonOptions } from './comparison.ts';
import { describe } from './describe.ts';
import type { Series } from './series.ts';

export interface SeriesSummary {
  cells: CellSummary[];
  comparisons: Comparison[];
}

/**
 * Describes every series and compares each with the baseline arm's series of the same workload and metric.
 * `voidedRounds` tells how many rounds of a workload are void (default none). A workload without the baseline arm has
 * cells but no comparisons.
 */
export function summarizeSeries(
  series: readonly Series[],
  options: ComparisonOptions & { baseline: string; voidedRounds?: (workload: string) => number },
): SeriesSummary {
  const baselines = new Map(
    series.filter((one) => one.arm === options.baseline).map((one) => [keyOf(one), one] as const),
  );
  const cells: CellSummary[] = [];
  const comparisons: Comparison[] = [];
  for (const one of series) {
    const description = describe(one.rounds, one.values, options.confidence);
    if (!description) continue;
    const { workload, arm, metric, unit, better } = one;
    const voidedRounds = options.voidedRounds?.(workload) ?? 0;
    cells.push({ workload, arm, metric, unit, better, voidedRounds, ...description });
    const baseline = baselines.get(keyOf(one));
    if (baseline && baseline !== one) comparisons.push(compareSeries(one, baseline, options));
  }
  return { cells, comparisons };
}

function keyOf(series: Series): string {
  return `${series.workload}\0${series.metric}`;
}
