import { change } from '../../results/statistics/verdict-sentence.ts';
import { wrap } from '../../reports/terminal/text-width.ts';
import { textTable } from '../analyze/text-table.ts';
import type { ComparedRuns, OverheadSide } from './compare-runs.ts';

/** Two runs side by side for a terminal: what differs first, then every overhead in both. */
export function renderComparedRuns(
  { a, b, differences, overheads, warnings }: ComparedRuns,
  width = Infinity,
): string {
  const table = textTable(
    [
      ...['workload', 'metric', 'arm', 'against', `A: ${a}`, 'A is', 'A could see'],
      ...[`B: ${b}`, 'B is', 'B could see', 'B / A', 'intervals'],
    ],
    overheads.map((one) => [
      ...[one.workload, one.metric, one.arm, one.baseline, ...side(one.a), ...side(one.b)],
      one.ratio === null ? '–' : change(one.ratio),
      one.overlap === null ? '–' : one.overlap ? 'overlap' : 'apart',
    ]),
    { width, titles: 3 },
  );
  const differ =
    differences.length === 0
      ? 'Machine, tools, resources and options are the same.'
      : `What differs:\n${differences.map((one) => `  ${one}`).join('\n')}`;
  const said = [...(overheads.length > 0 ? [LEGEND] : []), ...warnings.map((warning) => `! ${warning}`)];
  return [differ, table, ...said.map((text) => wrap(text, width, '  ').join('\n'))].join('\n\n');
}

const LEGEND =
  '"could see": the smallest cost that the run\'s rounds would have called worse nine times in ten; "A/A": what its baseline seemed to cost against itself';

/** Cost with its interval, verdict, and what stands beside every verdict: what could have been seen, and the A/A control. */
function side(one: OverheadSide | null): [cost: string, verdict: string, sight: string] {
  if (!one) return ['–', '–', '–'];
  const interval =
    one.low === null || one.high === null ? '' : ` (${change(one.low)} to ${change(one.high)})`;
  const seen = one.sight ? change(1 + one.sight.detectable) : '–';
  const floor = one.sight?.floor ? `, A/A ${change(one.sight.floor.apparent)}` : '';
  return [`${change(one.overhead)}${interval}`, one.verdict, seen + floor];
}
