/**
 * Walsh averages (dᵢ + dⱼ)/2, i ≤ j, are M = n(n+1)/2 numbers. They are never listed: seen as rows of the sorted
 * differences, "how many are at most v" is one staircase walk, O(n). Searching v by interpolation between two such
 * counts leaves about n candidates after a handful of walks; O(n) memory, O(n log n) time in practice. (The staircase
 * is Johnson & Mizoguchi's, 1978, as Monahan, 1984, uses it for the Hodges–Lehmann estimate.)
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
    median: () => {
      if (count % 2 === 1) return kth((count + 1) / 2);
      const lower = kth(count / 2);
      return (lower + successor(sorted, lower, count / 2)) / 2;
    },
  };
}

function selectAverage(s: Float64Array, k: number): number {
  const n = s.length;
  const count = (n * (n + 1)) / 2;
  if (!(k >= 1 && k <= count)) throw new RangeError(`Walsh average ${k} of n = ${n}`);
  // Bracket: at most `below` averages are ≤ low, at least k are ≤ high.
  let low = -Infinity;
  let below = 0;
  let high = s[n - 1] as number;
  let atMost = count;
  const enough = Math.max(2 * n, 64);
  for (let step = 0; step < MOST_STEPS && atMost - below > enough; step++) {
    const from = low === -Infinity ? (s[0] as number) : low;
    // Every third step halves, so that a lump of equal values cannot hold the interpolation back.
    const share = step % 3 === 2 ? 0.5 : (k - below) / (atMost - below);
    const guess = from + (high - from) * share;
    const v = guess > low && guess < high ? guess : from + (high - from) / 2;
    if (!(v > low && v < high)) break;
    const seen = countAtMost(s, v);
    if (seen >= k) {
      high = v;
      atMost = seen;
    } else {
      low = v;
      below = seen;
    }
  }
  return atMost - below > 4 * enough ? selectAmongTies(s, k) : pickBetween(s, low, high, k - below);
}

/** Enough for 66 halvings: by then the bracket is as narrow as numbers get. */
const MOST_STEPS = 200;

/** How many Walsh averages are at most v: as the row goes down, its end goes left. */
function countAtMost(s: Float64Array, v: number): number {
  let seen = 0;
  let end = s.length;
  for (let i = 0; i < end; i++) {
    const si = s[i] as number;
    while (end > i && (si + (s[end - 1] as number)) / 2 > v) end--;
    seen += end - i;
  }
  return seen;
}

/** The rank-th smallest among the averages in (low, high]. */
function pickBetween(s: Float64Array, low: number, high: number, rank: number): number {
  const between: number[] = [];
  let to = s.length;
  let from = s.length;
  for (let i = 0; i < to; i++) {
    const si = s[i] as number;
    while (to > i && (si + (s[to - 1] as number)) / 2 > high) to--;
    while (from > i && (si + (s[from - 1] as number)) / 2 > low) from--;
    for (let j = Math.max(from, i); j < to; j++) between.push((si + (s[j] as number)) / 2);
  }
  return Float64Array.from(between).sort()[rank - 1] as number;
}

/** The average after `value`, which is the k-th: itself when it occurs again, else the least above it. */
function successor(s: Float64Array, value: number, k: number): number {
  if (countAtMost(s, value) > k) return value;
  let least = Infinity;
  let from = s.length;
  for (let i = 0; i < s.length; i++) {
    const si = s[i] as number;
    while (from > i && (si + (s[from - 1] as number)) / 2 > value) from--;
    const j = Math.max(from, i);
    if (j < s.length) least = Math.min(least, (si + (s[j] as number)) / 2);
  }
  return least;
}

/**
 * The same for differences so tied that no bracket gets narrow: bisection over the distinct averages. A lump of more than
 * 8n equal averages needs differences with many equal ones, so their distinct averages are far fewer than n²/2.
 */
function selectAmongTies(s: Float64Array, k: number): number {
  const values = [...new Set(s)];
  const n = values.length;
  // Few distinct differences: their distinct averages can be listed.
  const averages = new Float64Array((n * (n + 1)) / 2);
  let filled = 0;
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) averages[filled++] = ((values[i] as number) + (values[j] as number)) / 2;
  averages.sort();
  let low = 0;
  let high = averages.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (countAtMost(s, averages[middle] as number) >= k) high = middle;
    else low = middle + 1;
  }
  return averages[low] as number;
}
