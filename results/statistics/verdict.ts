import type { Interval, Verdict } from '../record/summary.ts';

/**
 * STATISTICS 4. Intervals are of the log-ratio, above 0 is worse. Equivalence is two one-sided tests (Schuirmann 1987):
 * the 1 − 2α interval inside ±ln(1 + margin); difference is the 1 − α interval without 0. Both at once: real but small.
 *
 *        −ln(1+m)    0    ln(1+m)
 *   ────────┼────────┼───────┼────────
 *           │    ├───┼──┤    │          equivalent
 *           │        │  ├──┤ │          different-but-negligible
 *           │        │  ├────┼──────┤   worse
 *      ├────┼────────┼───────┼──┤       inconclusive
 */
export function verdictOf(
  interval: Interval | null,
  equivalenceInterval: Interval | null,
  margin: number,
): Verdict {
  const bound = Math.log1p(margin);
  const negligible =
    equivalenceInterval !== null && equivalenceInterval.low > -bound && equivalenceInterval.high < bound;
  const different = interval !== null && (interval.low > 0 || interval.high < 0);
  if (negligible) return different ? 'different-but-negligible' : 'equivalent';
  if (!different) return 'inconclusive';
  return (interval as Interval).low > 0 ? 'worse' : 'better';
}
