import { wrap } from '../../reports/terminal/text-width.ts';
import type { Replication } from '../../results/record/replication.ts';
import { textTable } from './text-table.ts';

/** Where repetition pays, for a terminal: a line per level of every series, then each advice in words. */
export function renderReplication(replication: Replication, width = Infinity): string {
  const { entries, levels, precision, confidence, costUnit, source, warnings } = replication;
  const number = (value: number): string => String(+value.toPrecision(3));
  const name = ({ workload, arm, metric }: (typeof entries)[number]): string =>
    `${workload} ${metric}, ${arm}`;
  const table = textTable(
    ['series', 'level', 'pilot', 'scatter (CoV)', 'share', 'cost', 'repeat'],
    entries.flatMap((entry) =>
      entry.levels.map((level, i) => [
        ...[i === 0 ? name(entry) : '', level.level, String(level.repetitions)],
        level.cov === null ? '–' : `${number(100 * level.cov)} %`,
        ...[`${Math.round(100 * level.share)} %`, number(level.cost)],
        level.recommended === null ? 'any number' : String(level.recommended),
      ]),
    ),
    { width, titles: 2 },
  );
  const advice = entries.map((entry) => {
    const saved =
      entry.recommendedCost !== null && entry.recommendedCost < entry.pilotCost * 0.995
        ? `; ${number(entry.recommendedCost)} ${unit(costUnit)} in all, repeated as the pilot was ${number(entry.pilotCost)}`
        : '';
    return `${name(entry)}: ${entry.why}${saved}`;
  });
  return [
    ...wrap(
      `Where repetition pays (${source}; ${levels.join(' > ')}): for ±${number(100 * precision)} % of each arm’s own mean at ${number(100 * confidence)} % (costs against a baseline, paired by round, take fewer)`,
      width,
      '  ',
    ),
    ...(entries.some(({ levels }) => levels.length > 0) ? ['', table, ''] : ['']),
    ...[...advice, ...warnings.map((warning) => `! ${warning}`)].flatMap((text) => wrap(text, width, '  ')),
  ].join('\n');
}

function unit(costUnit: string): string {
  return costUnit === 's' ? 's' : 'of the given cost';
}
