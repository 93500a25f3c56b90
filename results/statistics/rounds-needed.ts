import { POWER } from './defaults.ts';
import { normalQuantile, studentQuantile } from './distribution.ts';

const MOST_ROUNDS = 1_000_000;

/**
 * Rounds after which two equal arms are declared equivalent with the given power: the smallest n with
 * n ≥ (t_{1−α, n−1} + t_{(1+power)/2, n−1})²·sd²/δ², δ = ln(1 + margin), α = (1 − confidence of the equivalence
 * interval)/2 = 5 % (Julious 2004, eq. 20, with t for z). `pairedSd` is the sd of the paired log-ratios.
 */
export function roundsForEquivalence(pairedSd: number, margin: number, alpha = 0.05, power = POWER): number {
  const delta = Math.log1p(margin);
  return smallest((n) => {
    const sum = studentQuantile(1 - alpha, n - 1) + studentQuantile((1 + power) / 2, n - 1);
    return (sum * pairedSd) / delta;
  });
}

/** Rounds after which the half-width of the two-sided interval is at most `precision` (a ratio), on average. */
export function roundsForPrecision(pairedSd: number, precision: number, confidence = 0.95): number {
  const target = Math.log1p(precision);
  return smallest((n) => (studentQuantile((1 + confidence) / 2, n - 1) * pairedSd) / target);
}

/** Smallest shift (in ln) that n rounds find with the given power, one-sided at α: (z_{1−α} + z_power)·sd/√n, as t. */
export function detectableShift(n: number, pairedSd: number, alpha: number, power = POWER): number {
  if (n < 2) return Infinity;
  const z = Math.min(0.999999, power);
  return ((studentQuantile(1 - alpha, n - 1) + normalQuantile(z)) * pairedSd) / Math.sqrt(n);
}

/** Smallest n ≥ 2 with √n ≥ need(n), where need falls as n grows: doubling, then bisection. */
function smallest(need: (n: number) => number): number {
  const enough = (n: number): boolean => Math.sqrt(n) >= need(n);
  let high = 2;
  while (!enough(high)) {
    if (high >= MOST_ROUNDS) return MOST_ROUNDS;
    high *= 2;
  }
  let low = Math.max(2, high / 2);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (enough(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}
