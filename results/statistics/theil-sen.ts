import { EXACT_THEIL_SEN_LIMIT } from './defaults.ts';

/**
 * Median of the slopes between rounds (Theil 1950; Sen 1968): drift in units per round that a few wild trials cannot
 * make. Above the limit Theil's incomplete method: only pairs half the series apart, O(n) and still unbiased.
 * Null below two distinct rounds.
 */
export function theilSenSlope(rounds: ArrayLike<number>, values: ArrayLike<number>): number | null {
  const n = rounds.length;
  const slopes: number[] = [];
  const add = (i: number, j: number): void => {
    const step = (rounds[j] as number) - (rounds[i] as number);
    if (step !== 0) slopes.push(((values[j] as number) - (values[i] as number)) / step);
  };
  if (n <= EXACT_THEIL_SEN_LIMIT) {
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) add(i, j);
  } else {
    const half = n >> 1;
    for (let i = 0; i + half < n; i++) add(i, i + half);
  }
  if (slopes.length === 0) return null;
  return medianOfSorted(Float64Array.from(slopes).sort());
}

/** Median of ascending numbers. */
export function medianOfSorted(sorted: ArrayLike<number>): number {
  const n = sorted.length;
  const upper = sorted[n >> 1] as number;
  return n % 2 === 1 ? upper : ((sorted[(n >> 1) - 1] as number) + upper) / 2;
}
