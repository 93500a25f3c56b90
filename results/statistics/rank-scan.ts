import { CHANGE_MIN_SIDE } from './defaults.ts';

/** Where a series most looks like two: k values before, n − k from there on. */
export interface Scan {
  /** Values before the change; the change lies between index k − 1 and k. */
  k: number;
  /** max over k of |S_k − k(n+1)/2| / √(k(n−k)(n+1)/12). */
  statistic: number;
}

/**
 * STATISTICS 7: the standardised rank sum of the first k values, largest over k with at least five points a side
 * (the scan of Wilcoxon statistics, Pettitt 1979, standardised so that splits near the ends count alike). Mid-ranks.
 */
export function rankScan(ranks: ArrayLike<number>): Scan | null {
  const n = ranks.length;
  if (n < 2 * CHANGE_MIN_SIDE) return null;
  let sum = 0;
  let best: Scan = { k: CHANGE_MIN_SIDE, statistic: -1 };
  for (let k = 1; k <= n - CHANGE_MIN_SIDE; k++) {
    sum += ranks[k - 1] as number;
    if (k < CHANGE_MIN_SIDE) continue;
    const statistic = Math.abs(sum - (k * (n + 1)) / 2) / Math.sqrt((k * (n - k) * (n + 1)) / 12);
    if (statistic > best.statistic) best = { k, statistic };
  }
  return best;
}

/** Mid-ranks, 1..n. */
export function midRanks(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (values[i] as number) - (values[j] as number),
  );
  const ranks = new Float64Array(n);
  for (let from = 0; from < n;) {
    let to = from + 1;
    while (to < n && values[order[to] as number] === values[order[from] as number]) to++;
    for (let i = from; i < to; i++) ranks[order[i] as number] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}
