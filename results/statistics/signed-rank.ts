import { EXACT_SIGNED_RANK_LIMIT } from './defaults.ts';
import { normalCdf } from './distribution.ts';

/** The null distribution of a signed-rank sum V ≥ 0: P(V ≤ v) for whole v; symmetric about total/2. */
export interface SignedRankNull {
  n: number;
  /** n(n+1)/2, the largest V, and the number of Walsh averages. */
  total: number;
  cdf(v: number): number;
}

const cache = new Map<number, SignedRankNull>();
const CACHE_SIZE = 64;

/**
 * Wilcoxon's signed-rank null for n differences without ties: every one of the 2ⁿ sign patterns is equally likely, so the
 * counts come from c=[1]; for k = 1..n: c[w] += c_old[w−k] (Wilcoxon 1945; Hollander & Wolfe 3.1). Halving at each step
 * keeps probabilities instead of counts, so 2ⁿ never overflows. Above the exact limit: Edgeworth (see `edgeworthCdf`).
 */
export function signedRankNull(n: number): SignedRankNull {
  let found = cache.get(n);
  if (!found) {
    found = n <= EXACT_SIGNED_RANK_LIMIT ? exactNull(n) : edgeworthNull(n);
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value as number);
    cache.set(n, found);
  }
  return found;
}

/** P(V ≤ v) by counting; exported for the test that holds the approximation against it. */
export function exactNull(n: number): SignedRankNull {
  const total = (n * (n + 1)) / 2;
  const cumulative = cumulate(
    signFlipProbabilities(
      Array.from({ length: n }, (_, i) => i + 1),
      total,
    ),
  );
  return { n, total, cdf: (v) => lookUp(cumulative, v) };
}

function edgeworthNull(n: number): SignedRankNull {
  const total = (n * (n + 1)) / 2;
  const squares = (n * (n + 1) * (2 * n + 1)) / 6;
  const fourths = (squares * (3 * n * n + 3 * n - 1)) / 5;
  return { n, total, cdf: (v) => edgeworthCdf(v, total, squares, fourths, 1) };
}

/**
 * P(V ≤ v) for V = Σ rᵢ·Bernoulli(½) with Σr = total, Σr² and Σr⁴ given, on a lattice of the given step: normal with
 * continuity correction and the kurtosis term (Bickel 1974, the first Edgeworth term that does not vanish by symmetry).
 */
export function edgeworthCdf(
  v: number,
  total: number,
  squares: number,
  fourths: number,
  step: number,
): number {
  if (v < 0) return 0;
  if (v >= total) return 1;
  const variance = squares / 4;
  const z = (v + step / 2 - total / 2) / Math.sqrt(variance);
  const excess = -fourths / 8 / (variance * variance);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return Math.min(1, Math.max(0, normalCdf(z) - (excess / 24) * (z * z * z - 3 * z) * density));
}

/** Probabilities of Σ over random signs of the positive whole weights, by dynamic programming; index is the sum. */
export function signFlipProbabilities(weights: readonly number[], total: number): Float64Array {
  const p = new Float64Array(total + 1);
  p[0] = 1;
  let reach = 0;
  for (const weight of weights) {
    reach += weight;
    for (let w = reach; w >= weight; w--) p[w] = ((p[w] as number) + (p[w - weight] as number)) / 2;
    for (let w = weight - 1; w >= 0; w--) p[w] = (p[w] as number) / 2;
  }
  return p;
}

/** Running sums. */
export function cumulate(p: Float64Array): Float64Array {
  for (let i = 1; i < p.length; i++) p[i] = (p[i] as number) + (p[i - 1] as number);
  return p;
}

/** The distribution function held as running sums, for any real v. */
export function lookUp(cumulative: Float64Array, v: number): number {
  if (v < 0) return 0;
  return Math.min(1, cumulative[Math.min(Math.floor(v), cumulative.length - 1)] as number);
}

/** The order statistic that bounds an interval: q, and the level it achieves. */
export interface SignedRankBound {
  /** Interval [W_q, W_{M+1−q}] of the sorted Walsh averages, counted from 1. */
  q: number;
  level: number;
}

/** The largest q with P(V ≤ q−1) ≤ α/2; null when even q = 1 is too much (too few rounds for this confidence). */
export function signedRankBound(n: number, confidence: number): SignedRankBound | null {
  const half = (1 - confidence) / 2 + 1e-12; // the slack is for 1 − 0.95 not being 0.05 in binary
  const { cdf, total } = signedRankNull(n);
  if (n < 1 || cdf(0) > half) return null;
  let low = 1;
  let high = Math.ceil(total / 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cdf(middle - 1) <= half) low = middle;
    else high = middle - 1;
  }
  return { q: low, level: 1 - 2 * cdf(low - 1) };
}
