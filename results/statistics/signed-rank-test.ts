import { EXACT_SIGNED_RANK_LIMIT } from './defaults.ts';
import { cumulate, edgeworthCdf, lookUp, signedRankNull, signFlipProbabilities } from './signed-rank.ts';

/** One-sided and two-sided answers of the signed-rank test that differences are symmetric about 0. */
export interface SignedRankTest {
  /** Sum of the ranks of the positive differences (mid-ranks when tied). */
  v: number;
  /** P(V ≥ v): small when the differences lie above 0. */
  pGreater: number;
  /** P(V ≤ v): small when they lie below 0. */
  pLess: number;
  pTwoSided: number;
  /** `sign-flip` when there were ties or zeros. */
  method: 'signed-rank' | 'sign-flip';
}

/**
 * Wilcoxon's signed-rank test. Without ties or zeros the null is the usual one. With them it is the sign-flip
 * distribution of the statistic as observed: mid-ranks, zeros ranked but never flipped (Pratt 1959), every sign pattern
 * equally likely. Doubled mid-ranks are whole numbers, so the same dynamic programme enumerates all 2ⁿ patterns exactly
 * up to the exact limit (not only to n = 20); above it the Edgeworth form with the tied weights.
 */
export function signedRankTest(differences: ArrayLike<number>): SignedRankTest {
  const n = differences.length;
  const { doubled, tied } = doubledMidRanks(differences);
  let doubledV = 0;
  for (let i = 0; i < n; i++) if ((differences[i] as number) > 0) doubledV += doubled[i] as number;
  if (!tied) return fromCdf(doubledV / 2, signedRankNull(n).total, signedRankNull(n).cdf, 'signed-rank');

  const weights: number[] = [];
  for (let i = 0; i < n; i++) if (differences[i] !== 0) weights.push(doubled[i] as number);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let cdf: (v: number) => number;
  if (n <= EXACT_SIGNED_RANK_LIMIT) {
    const cumulative = cumulate(signFlipProbabilities(weights, total));
    cdf = (v) => lookUp(cumulative, v);
  } else {
    const squares = weights.reduce((sum, weight) => sum + weight ** 2, 0);
    const fourths = weights.reduce((sum, weight) => sum + weight ** 4, 0);
    cdf = (v) => edgeworthCdf(v, total, squares, fourths, 1);
  }
  const answer = fromCdf(doubledV, total, cdf, 'sign-flip');
  return { ...answer, v: doubledV / 2 };
}

function fromCdf(
  v: number,
  total: number,
  cdf: (v: number) => number,
  method: SignedRankTest['method'],
): SignedRankTest {
  // The null is symmetric about total/2, so P(V ≥ v) = P(V ≤ total − v).
  const pLess = cdf(v);
  const pGreater = cdf(total - v);
  return { v, pLess, pGreater, pTwoSided: Math.min(1, 2 * Math.min(pLess, pGreater)), method };
}

/** Twice the mid-rank of |d| for each difference, and whether anything was tied or zero. */
export function doubledMidRanks(differences: ArrayLike<number>): { doubled: Float64Array; tied: boolean } {
  const n = differences.length;
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => Math.abs(differences[i] as number) - Math.abs(differences[j] as number),
  );
  const doubled = new Float64Array(n);
  let tied = n > 0 && differences[order[0] as number] === 0;
  for (let from = 0; from < n;) {
    const size = Math.abs(differences[order[from] as number] as number);
    let to = from + 1;
    while (to < n && Math.abs(differences[order[to] as number] as number) === size) to++;
    if (to - from > 1) tied = true;
    for (let i = from; i < to; i++) doubled[order[i] as number] = from + 1 + to;
    from = to;
  }
  return { doubled, tied };
}
