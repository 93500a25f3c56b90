import type { Interval } from '../record/summary.ts';
import { logGamma } from './incomplete-beta.ts';

/**
 * Interval for a median from order statistics: [x₍ₖ₎, x₍ₙ₊₁₋ₖ₎] with the largest k for which P(Bin(n, ½) ≤ k − 1) ≤ α/2
 * (Hahn & Meeker 1991, 5.3). Needs no shape of the distribution at all; null when n is too small. `sorted` ascends.
 */
export function medianInterval(sorted: ArrayLike<number>, confidence: number): Interval | null {
  const n = sorted.length;
  const half = (1 - confidence) / 2 + 1e-12;
  let cumulative = 0;
  let tail = 0;
  let k = 0;
  for (; k < n / 2; k++) {
    cumulative += Math.exp(logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) - n * Math.LN2);
    if (cumulative > half) break;
    tail = cumulative;
  }
  if (k === 0) return null;
  return { low: sorted[k - 1] as number, high: sorted[n - k] as number, level: 1 - 2 * tail };
}
