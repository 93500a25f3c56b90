import { change } from '../../results/statistics/verdict-sentence.ts';
import { textTable } from '../analyze/text-table.ts';
import type { ComparedRuns, OverheadSide } from './compare-runs.ts';

/** Two runs side by side for a terminal: what differs first, then every overhead in both. */
export function renderComparedRuns({ a, b, differences, overheads, warnings }: ComparedRuns): string {
  const table = textTable(
    ['workload', 'metric', 'arm', 'against', `A: ${a}`, `B: ${b}`, 'B / A', 'intervals'],
    overheads.map((one) => [
      ...[one.workload, one.metric, one.arm, one.baseline, side(one.a), side(one.b)],
      one.ratio === null ? '–' : change(one.ratio),
      one.overlap === null ? '–' : one.overlap ? 'overlap' : 'apart',
    ]),
  );
  const differ =
    differences.length === 0
      ? 'Machine, tools, resources and options are the same.'
      : `What differs:\n${differences.map((one) => `  ${one}`).join('\n')}`;
  return [differ, table, ...warnings.map((warning) => `! ${warning}`)].join('\n\n');
}

function side(one: OverheadSide | null): string {
  if (!one) return '–';
  const interval =
    one.low === null || one.high === null ? '' : ` (${change(one.low)} to ${change(one.high)})`;
  return `${change(one.overhead)}${interval}`;
}
