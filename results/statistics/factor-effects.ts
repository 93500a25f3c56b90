import type { Interval } from '../record/summary.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import { logRatios, pair } from './paired.ts';
import type { Series } from './series.ts';

/** Two series whose arms are equal but for one factor: the level it comes from and the one it goes to. */
export interface FactorPair {
  from: Series;
  to: Series;
}

/** What going from one level of a factor to another does to the cost, all other factors kept. */
export interface FactorEffect {
  /** Rounds in which every pair has both values. */
  n: number;
  /** Cost at `to` over cost at `from`: below 1, going there is cheaper. */
  ratio: number;
  /** Null: too few rounds. */
  interval: Interval | null;
}

/**
 * The main effect of a factor in a factorial run: in each round the mean, over all pairs of arms that are equal but for
 * it, of the log cost ratio; then the Hodges–Lehmann estimate and signed-rank interval over rounds, as for any other
 * comparison (STATISTICS 3). Null when no round has all pairs, or a value has no logarithm.
 */
export function factorEffect(pairs: readonly FactorPair[], confidence: number): FactorEffect | null {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { from, to } of pairs) {
    const joined = pair(to, from);
    const ratios = logRatios(joined, to.better);
    if (!('differences' in ratios)) return null;
    joined.rounds.forEach((round, index) => {
      const seen = sums.get(round) ?? { sum: 0, count: 0 };
      sums.set(round, { sum: seen.sum + (ratios.differences[index] as number), count: seen.count + 1 });
    });
  }
  const means = [...sums.values()]
    .filter(({ count }) => count === pairs.length)
    .map(({ sum, count }) => sum / count);
  if (means.length === 0) return null;
  const { estimate, intervals } = hodgesLehmann(Float64Array.from(means), [confidence]);
  const log = intervals[0] ?? null;
  return {
    n: means.length,
    ratio: Math.exp(estimate),
    interval: log && { low: Math.exp(log.low), high: Math.exp(log.high), level: log.level },
  };
}
