import type { Interval } from '../record/summary.ts';
import { meanOf } from './describe.ts';
import { studentCdf, studentQuantile } from './distribution.ts';

/** A t statistic with its two-sided p and the interval of the mean (difference). */
export interface TTest {
  t: number;
  df: number;
  pTwoSided: number;
  /** P(T ≤ t). */
  pLess: number;
  /** P(T ≥ t). */
  pGreater: number;
  estimate: number;
  interval: Interval;
}

/**
 * Welch's test for two independent samples (Welch 1947; df by Satterthwaite). Kept as a cross-check of the signed-rank
 * answers and for comparing two runs whose rounds are not paired; it assumes independence, which trials in a row are not.
 */
export function welchTest(x: readonly number[], y: readonly number[], confidence = 0.95): TTest {
  const vx = squaredError(x);
  const vy = squaredError(y);
  const df = (vx + vy) ** 2 / (vx ** 2 / (x.length - 1) + vy ** 2 / (y.length - 1));
  return fromError(meanOf(x) - meanOf(y), Math.sqrt(vx + vy), df, confidence);
}

/** Student's one-sample test that the mean of the (paired) differences is `mu`. */
export function pairedTTest(differences: readonly number[], mu = 0, confidence = 0.95): TTest {
  const error = Math.sqrt(squaredError(differences));
  const test = fromError(meanOf(differences) - mu, error, differences.length - 1, confidence);
  const { low, high, level } = test.interval;
  return { ...test, estimate: test.estimate + mu, interval: { low: low + mu, high: high + mu, level } };
}

/**
 * Two one-sided tests that the mean lies above −margin and below +margin (Schuirmann 1987): equivalent when the larger p
 * is at most α.
 */
export function tost(
  differences: readonly number[],
  margin: number,
): { above: TTest; below: TTest; p: number } {
  const above = pairedTTest(differences, -margin);
  const below = pairedTTest(differences, margin);
  return { above, below, p: Math.max(above.pGreater, below.pLess) };
}

/** s²/n. */
function squaredError(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}

function fromError(estimate: number, error: number, df: number, confidence: number): TTest {
  const t = estimate / error;
  const pLess = studentCdf(t, df);
  const pGreater = studentCdf(-t, df);
  const reach = studentQuantile((1 + confidence) / 2, df) * error;
  return {
    t,
    df,
    pLess,
    pGreater,
    pTwoSided: Math.min(1, 2 * Math.min(pLess, pGreater)),
    estimate,
    interval: { low: estimate - reach, high: estimate + reach, level: confidence },
  };
}
