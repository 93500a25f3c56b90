import { studentQuantile } from './distribution.ts';
import { meanOf } from './describe.ts';

/** A ratio of totals with Fieller's interval; a null bound is unbounded. */
export interface RatioOfTotals {
  ratio: number;
  low: number | null;
  high: number | null;
}

/**
 * Σnumerator / Σdenominator over pairs, with Fieller's paired interval (Fieller 1954): the θ with
 * (x̄ − θȳ)² ≤ t²·(s_xx − 2θ s_xy + θ² s_yy)/n. When the denominator's own interval reaches zero the set is not an
 * interval: both bounds are null. Null when there are fewer than two pairs or the denominator's total is 0.
 */
export function fiellerRatio(
  numerator: ArrayLike<number>,
  denominator: ArrayLike<number>,
  confidence: number,
): RatioOfTotals | null {
  const n = numerator.length;
  if (n < 2) return null;
  const x = meanOf(numerator);
  const y = meanOf(denominator);
  if (y === 0) return null;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const dx = (numerator[i] as number) - x;
    const dy = (denominator[i] as number) - y;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const scale = studentQuantile((1 + confidence) / 2, n - 1) ** 2 / (n - 1) / n;
  const a = y * y - scale * yy;
  const b = x * y - scale * xy;
  const c = x * x - scale * xx;
  const discriminant = b * b - a * c;
  const ratio = x / y;
  if (a <= 0 || discriminant < 0) return { ratio, low: null, high: null };
  const root = Math.sqrt(discriminant);
  return { ratio, low: (b - root) / a, high: (b + root) / a };
}
