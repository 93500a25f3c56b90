import type { Interval } from '../record/summary.ts';
import { ADAPTIVE_ALPHA_SHARE } from './defaults.ts';
import { signedRankBound } from './signed-rank.ts';
import { walshAverages } from './walsh.ts';

/** Location of a symmetric sample with exact signed-rank intervals (Hodges & Lehmann 1963; Tukey's Walsh averages). */
export interface Location {
  estimate: number;
  /** At each confidence asked for: the interval that inverts the test, with the level it achieves; null: too few. */
  intervals: (Interval | null)[];
}

/**
 * Median of the Walsh averages, and [W_q, W_{M+1−q}] for each confidence. The closed interval's coverage is at least the
 * stated level also when differences are tied (Noether 1967).
 */
export function hodgesLehmann(
  differences: Float64Array | readonly number[],
  confidences: readonly number[] = [],
): Location {
  if (differences.length === 0) return { estimate: NaN, intervals: confidences.map(() => null) };
  const averages = walshAverages(differences);
  const intervals = confidences.map((confidence) => {
    const bound = signedRankBound(differences.length, confidence);
    if (!bound) return null;
    return {
      low: averages.kth(bound.q),
      high: averages.kth(averages.count + 1 - bound.q),
      level: bound.level,
    };
  });
  return { estimate: averages.median(), intervals };
}

/**
 * The same intervals for a number of rounds that depended on their width (STATISTICS 5): computed at a higher level than
 * is stated, which is what the stated level is after such stopping.
 */
export function afterStopping(
  differences: Float64Array | readonly number[],
  confidences: readonly number[],
): Location {
  const stricter = confidences.map((confidence) => 1 - ADAPTIVE_ALPHA_SHARE * (1 - confidence));
  const { estimate, intervals } = hodgesLehmann(differences, stricter);
  return {
    estimate,
    intervals: intervals.map((interval, i) => interval && { ...interval, level: confidences[i] as number }),
  };
}
