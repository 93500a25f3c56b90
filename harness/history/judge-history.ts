import type { HistoryPoint } from '../../results/record/history.ts';
import { changePoints } from '../../results/statistics/change-points.ts';
import { HISTORY_FALSE_DISCOVERY } from '../../results/statistics/defaults.ts';
import { benjaminiHochberg } from '../../results/statistics/multiple-testing.ts';
import { medianOfSorted } from '../../results/statistics/theil-sen.ts';

/** A change of level in one series and the two runs between which it lies. */
export interface HistoryChange {
  /** Cost after over cost before. */
  ratio: number;
  low: number;
  high: number;
  p: number;
  /** Benjamini–Hochberg over all changes of all series. */
  q: number;
  after: { run: string; commit: string | null; at: string };
  before: { run: string; commit: string | null; at: string };
}

export interface HistorySeries {
  series: string;
  machine: string | null;
  points: number;
  /** Median cost ratio of the last level. */
  level: number;
  /** Of the last point. */
  latest: number;
  changes: HistoryChange[];
}

/**
 * Every series of a history, machines kept apart, with its changes of level (STATISTICS 7). Across series the changes
 * pass Benjamini–Hochberg, so that a history of a thousand series does not cry wolf once a day.
 */
export function judgeHistory(points: readonly HistoryPoint[], tolerance: number): HistorySeries[] {
  const groups = new Map<string, HistoryPoint[]>();
  for (const point of points) {
    const key = `${point.series}\0${point.machine}`;
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  const judged = [...groups.values()].map((group) => {
    group.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    const values = group.map(({ logRatio }) => logRatio);
    return {
      group,
      values,
      found: changePoints(values, { tolerance: Math.log1p(tolerance), seed: 'history' }),
    };
  });
  const q = benjaminiHochberg(judged.flatMap(({ found }) => found.map(({ p }) => p)));
  let next = 0;
  return judged.map(({ group, values, found }) => {
    const changes = found
      .map((change) => ({ ...change, q: q[next++] as number }))
      .filter((change) => change.q <= HISTORY_FALSE_DISCOVERY)
      .map(({ index, shift, interval, p, q }): HistoryChange => {
        const place = ({ run, commit, at }: HistoryPoint): HistoryChange['after'] => ({ run, commit, at });
        return {
          ratio: Math.exp(shift),
          low: Math.exp(interval.low),
          high: Math.exp(interval.high),
          ...{ p, q },
          after: place(group[index - 1] as HistoryPoint),
          before: place(group[index] as HistoryPoint),
        };
      });
    const last = found.at(-1)?.index ?? 0;
    const first = group[0] as HistoryPoint;
    return {
      series: first.series,
      machine: first.machine,
      points: group.length,
      level: Math.exp(medianOfSorted(values.slice(last).sort((a, b) => a - b))),
      latest: Math.exp(values.at(-1) as number),
      changes,
    };
  });
}
