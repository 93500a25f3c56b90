import { change } from '../../results/statistics/verdict-sentence.ts';
import { textTable } from '../analyze/text-table.ts';
import type { HistoryChange, HistorySeries } from './judge-history.ts';

/** A history for a terminal: the changes first, then every series with its level. */
export function renderHistory(series: readonly HistorySeries[], width = Infinity): string {
  const changes = series.flatMap((one) => one.changes.map((found) => `${one.series}: ${sentence(found)}`));
  const table = textTable(
    ['series', 'machine', 'points', 'level', 'latest', 'changes'],
    series.map((one) => [
      one.series,
      one.machine?.slice(0, 8) ?? 'unknown',
      ...[String(one.points), change(one.level), change(one.latest), String(one.changes.length)],
    ]),
    { width },
  );
  return [changes.length > 0 ? changes.join('\n') : 'no change of level', table].join('\n\n');
}

function sentence({ ratio, low, high, q, after, before }: HistoryChange): string {
  const name = ({ run, commit }: HistoryChange['after']): string => (commit ? `${commit} (${run})` : run);
  return `${change(ratio)} (${change(low)} to ${change(high)}, q ${q.toPrecision(2)}) between ${name(after)} and ${name(before)}`;
}
