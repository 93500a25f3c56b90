import type { Interval } from '../record/summary.ts';
import { normalCdf, normalQuantile } from './distribution.ts';
import { meanOf } from './describe.ts';
import { integerDraw, type Random } from './random.ts';

export interface BcaResult {
  estimate: number;
  /** Σd³ / 6(Σd²)^1.5 over the jackknife. */
  acceleration: number;
  biasCorrection: number;
  interval: Interval;
}

/**
 * Bias-corrected accelerated bootstrap (Efron 1987; Efron & Tibshirani 1993, 14.3), for statistics that have no exact
 * interval (a variance, a quantile of one cell). It assumes independent values: not for trials in a row.
 */
export function bcaInterval(
  values: readonly number[],
  statistic: (values: readonly number[]) => number,
  confidence: number,
  replicates: number,
  random: Random,
): BcaResult {
  const estimate = statistic(values);
  const draws = Array.from({ length: replicates }, () =>
    statistic(values.map(() => values[integerDraw(random, values.length)] as number)),
  ).sort((a, b) => a - b);
  const acceleration = jackknifeAcceleration(values, statistic);
  const below = draws.filter((draw) => draw < estimate).length;
  const biasCorrection = normalQuantile(
    Math.min(1 - 1 / replicates, Math.max(1 / replicates, below / replicates)),
  );
  const bound = (p: number): number => {
    const z = biasCorrection + normalQuantile(p);
    const adjusted = normalCdf(biasCorrection + z / (1 - acceleration * z));
    return draws[
      Math.min(replicates - 1, Math.max(0, Math.floor(adjusted * (replicates + 1)) - 1))
    ] as number;
  };
  const tail = (1 - confidence) / 2;
  return {
    estimate,
    acceleration,
    biasCorrection,
    interval: { low: bound(tail), high: bound(1 - tail), level: confidence },
  };
}

function jackknifeAcceleration(
  values: readonly number[],
  statistic: (values: readonly number[]) => number,
): number {
  const without = values.map((_, left) => statistic(values.filter((_, i) => i !== left)));
  const mean = meanOf(without);
  const cubes = without.reduce((sum, one) => sum + (mean - one) ** 3, 0);
  const squares = without.reduce((sum, one) => sum + (mean - one) ** 2, 0);
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
}
