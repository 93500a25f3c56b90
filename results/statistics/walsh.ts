/**
 * Walsh averages (dᵢ + dⱼ)/2, i ≤ j, are M = n(n+1)/2 numbers. They are never listed: the k-th smallest is found by
 * selection with random-free pivots over rows of the sorted differences, O(n) memory and O(n log n) expected time
 * (the idea of Johnson & Mizoguchi 1978, as Monahan 1984 uses it for the Hodges–Lehmann estimate).
 */
export interface WalshAverages {
  /** M. */
  count: number;
  /** The k-th smallest, k = 1..M. */
  kth(k: number): number;
  /** The median of all of them: the Hodges–Lehmann estimate. */
  median(): number;
}

/** Walsh averages of the given differences (any order; not changed). */
export function walshAverages(differences: Float64Array | readonly number[]): WalshAverages {
  const sorted = Float64Array.from(differences).sort();
  const n = sorted.length;
  const count = (n * (n + 1)) / 2;
  const kth = (k: number): number => selectAverage(sorted, k);
  return {
    count,
    kth,
    median: () => (count % 2 === 1 ? kth((count + 1) / 2) : (kth(count / 2) + kth(count / 2 + 1)) / 2),
  };
}

/**
 * Rows i hold (s[i] + s[j])/2 for j = i..n−1, ascending. `low[i]`/`high[i]` bound the columns that may still hold the
 * answer (high exclusive). Each pass takes the weighted median of the rows' middles, counts what is below and not above
 * it in one staircase walk, and drops at least a quarter of what is left.
 */
function selectAverage(s: Float64Array, k: number): number {
  const n = s.length;
  if (!(k >= 1 && k <= (n * (n + 1)) / 2)) throw new RangeError(`Walsh average ${k} of n = ${n}`);
  const low = new Int32Array(n);
  const high = new Int32Array(n).fill(n);
  for (let i = 0; i < n; i++) low[i] = i;
  const below = new Int32Array(n);
  const notAbove = new Int32Array(n);
  let remaining = (n * (n + 1)) / 2;
  let dropped = 0;
  const enough = Math.max(n, 64);
  while (remaining > enough) {
    const pivot = weightedMedianOfMiddles(s, low, high);
    let countBelow = 0;
    let countNotAbove = 0;
    let b = n;
    let a = n;
    for (let i = 0; i < n; i++) {
      const si = s[i] as number;
      while (b > i && (si + (s[b - 1] as number)) / 2 >= pivot) b--;
      while (a > i && (si + (s[a - 1] as number)) / 2 > pivot) a--;
      below[i] = Math.max(b, i);
      notAbove[i] = Math.max(a, i);
      countBelow += (below[i] as number) - i;
      countNotAbove += (notAbove[i] as number) - i;
    }
    if (k <= countBelow) {
      for (let i = 0; i < n; i++) high[i] = Math.min(high[i] as number, below[i] as number);
    } else if (k > countNotAbove) {
      for (let i = 0; i < n; i++) low[i] = Math.max(low[i] as number, notAbove[i] as number);
    } else return pivot;
    remaining = 0;
    dropped = 0;
    for (let i = 0; i < n; i++) {
      remaining += Math.max(0, (high[i] as number) - (low[i] as number));
      dropped += (low[i] as number) - i;
    }
  }
  const rest = new Float64Array(remaining);
  let filled = 0;
  for (let i = 0; i < n; i++)
    for (let j = low[i] as number; j < (high[i] as number); j++)
      rest[filled++] = ((s[i] as number) + (s[j] as number)) / 2;
  rest.sort();
  return rest[k - dropped - 1] as number;
}

function weightedMedianOfMiddles(s: Float64Array, low: Int32Array, high: Int32Array): number {
  const middles: number[] = [];
  const rows: number[] = [];
  let total = 0;
  for (let i = 0; i < s.length; i++) {
    const l = low[i] as number;
    const h = high[i] as number;
    if (h <= l) continue;
    middles.push(((s[i] as number) + (s[(l + h - 1) >> 1] as number)) / 2);
    rows.push(h - l);
    total += h - l;
  }
  // A sample of rows is pivot enough when there are many; the exactness of the answer does not depend on the pivot.
  const stride = Math.max(1, Math.floor(middles.length / 101));
  const picked: [number, number][] = [];
  let weight = 0;
  for (let i = 0; i < middles.length; i += stride) {
    picked.push([middles[i] as number, rows[i] as number]);
    weight += rows[i] as number;
  }
  picked.sort((x, y) => x[0] - y[0]);
  let seen = 0;
  for (const [middle, size] of picked) {
    seen += size;
    if (2 * seen >= weight) return middle;
  }
  return middles[0] ?? total;
}
