import type { Interval } from '../record/summary.ts';
import { normalQuantile } from './distribution.ts';

const LEVEL = 0.95;

/** Two samples, each ascending. */
export interface Sides {
  before: Float64Array;
  after: Float64Array;
}

export function sides(before: readonly number[], after: readonly number[]): Sides {
  return { before: Float64Array.from(before).sort(), after: Float64Array.from(after).sort() };
}

/**
 * Shift between two sides: the median of all differences after − before (Hodges & Lehmann 1963), with the interval from
 * the Mann–Whitney normal quantile on their order. The differences are counted, never listed: O(n) memory.
 */
export function shiftBetween(both: Sides): { shift: number; interval: Interval } {
  const m = both.before.length * both.after.length;
  const points = both.before.length + both.after.length;
  const spread = normalQuantile((1 + LEVEL) / 2) * Math.sqrt((m * (points + 1)) / 12);
  const q = Math.max(0, Math.floor(m / 2 - spread));
  const upper = differenceAt(both, m >> 1);
  const shift = m % 2 === 1 ? upper : (differenceAt(both, (m >> 1) - 1) + upper) / 2;
  return {
    shift,
    interval: { low: differenceAt(both, q), high: differenceAt(both, m - 1 - q), level: LEVEL },
  };
}

/** Whether the shift lies within ± the tolerance, by two counts: most pairs of sides have none, and are done here. */
export function isWithin(both: Sides, tolerance: number): boolean {
  const half = (both.before.length * both.after.length) / 2;
  // More than half of the differences at or below it: the median is too, and likewise from the other end.
  return countUpTo(both, tolerance) > half && countUpTo(both, -tolerance, 'below') < half;
}

/** The difference with exactly k others below it in order, by bisection over the numbers until only it is left. */
function differenceAt(both: Sides, k: number): number {
  const { before, after } = both;
  let low = (after[0] as number) - (before.at(-1) as number);
  let high = (after.at(-1) as number) - (before[0] as number);
  if (countUpTo(both, low) > k) return low;
  for (;;) {
    const middle = low + (high - low) / 2;
    // No number lies between: every difference above low, up to high, is high.
    if (middle <= low || middle >= high) return high;
    if (countUpTo(both, middle) > k) high = middle;
    else low = middle;
  }
}

/** How many differences are at most (or below) x, along the staircase that sorted sides make. */
function countUpTo({ before, after }: Sides, x: number, how: 'up to' | 'below' = 'up to'): number {
  let count = 0;
  let j = 0;
  for (const a of after) {
    while (
      j < before.length &&
      (how === 'below' ? a - (before[j] as number) >= x : a - (before[j] as number) > x)
    )
      j++;
    count += before.length - j;
  }
  return count;
}
