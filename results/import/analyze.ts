import { BenchError } from '../bench-error.ts';
import type { Analysis } from '../record/analysis.ts';
import { LAG1_STANDARD_ERRORS, POSITION_EFFECT_SHOWN } from '../statistics/defaults.ts';
import { summarizeSeries } from '../statistics/summarize-series.ts';
import type { Imported } from './observations.ts';

export interface AnalyzeOptions {
  /** The arm overheads are relative to; default: the first in the file. */
  baseline?: string;
  margin: number;
  confidence: number;
}

/** Summaries, overheads and verdicts of imported observations. `analyze-baseline` when the baseline is not in them. */
export function analyze(imported: Imported, source: string, options: AnalyzeOptions): Analysis {
  const { series } = imported;
  const arms = [...new Set(series.map(({ arm }) => arm))];
  const baseline = options.baseline ?? (arms[0] as string);
  if (!arms.includes(baseline))
    throw new BenchError('analyze-baseline', `${source} has no arm '${baseline}'`, {
      hint: `its arms are ${arms.join(', ')}`,
    });
  const { margin, confidence } = options;
  const { cells, comparisons } = summarizeSeries(series, { margin, confidence, baseline });
  const warnings = [...imported.warnings];
  if (arms.length === 1) warnings.push(`only one arm, '${baseline}': there is nothing to compare it with`);
  const roundsOf = new Map<string, Set<number>>();
  for (const { workload, metric, arm, n } of cells) {
    const key = `${workload} ${metric}`;
    roundsOf.set(key, (roundsOf.get(key) ?? new Set()).add(n));
    if (
      arm !== baseline &&
      !comparisons.some((one) => one.arm === arm && `${one.workload} ${one.metric}` === key)
    )
      warnings.push(`${key}: the baseline '${baseline}' has no value, so '${arm}' is not compared`);
  }
  for (const [key, counts] of roundsOf)
    if (counts.size > 1)
      warnings.push(
        `${key}: the arms have different numbers of rounds; only rounds that both arms have are paired`,
      );
  for (const { workload, metric, arm, positionEffect } of comparisons)
    if ((positionEffect ?? 0) > POSITION_EFFECT_SHOWN)
      warnings.push(`${workload} ${metric}: where ${arm} stood in the round made a difference`);
  const leaning = cells.filter(
    ({ lag1, n }) => Math.abs(lag1 ?? 0) > LAG1_STANDARD_ERRORS / Math.sqrt(n),
  ).length;
  if (leaning > 0)
    warnings.push(
      `${leaning} of ${cells.length} cells lean on their neighbours in time (lag-1 beyond chance): the overheads allow for it when the order within rounds was random, intervals of single cells do not`,
    );
  return {
    schema: 'tare.analysis/1',
    source,
    observations: imported.observations,
    baseline,
    margin,
    confidence,
    cells,
    comparisons,
    warnings,
  };
}
