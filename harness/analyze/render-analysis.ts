import type { Analysis } from '../../results/record/analysis.ts';
import type { CellSummary, Comparison } from '../../results/record/summary.ts';
import { change } from '../../results/statistics/verdict-sentence.ts';
import { wrap } from '../../reports/terminal/text-width.ts';
import { textTable } from './text-table.ts';

/** An analysis for a terminal: overheads first, then the cells behind them, then what to beware of. */
export function renderAnalysis(analysis: Analysis, width = Infinity): string {
  const { comparisons, cells, warnings, baseline, confidence, margin } = analysis;
  const parts: string[] = [];
  if (comparisons.length > 0)
    parts.push(
      `Cost against ${baseline} (${100 * confidence} % intervals; "same" is within ±${+(100 * margin).toFixed(2)} %)`,
      renderComparisons(comparisons, width),
      wrap(COULD_SEE, width).join('\n'),
    );
  parts.push('Cells', renderCells(cells, width));
  const problems = comparisons.flatMap(({ problem, workload, metric, arm }) =>
    problem ? [`${workload} ${metric}, ${arm}: ${problem}`] : [],
  );
  for (const text of [...problems, ...warnings]) parts.push(wrap(`! ${text}`, width, '  ').join('\n'));
  return parts.join('\n\n').replace(/\n\n!/g, '\n!');
}

/** What stands beside the verdicts, once in words. */
export const COULD_SEE =
  '"could see": the smallest cost that these rounds would have called worse nine times in ten, by the scatter of its own pairs';

/** One line per comparison. */
export function renderComparisons(comparisons: readonly Comparison[], width = Infinity): string {
  return textTable(
    [
      'workload',
      'metric',
      'arm',
      'cost',
      'interval',
      'level',
      'n',
      'verdict',
      'could see',
      'stall cost',
      'rounds needed',
    ],
    comparisons.map((one) => [
      one.workload,
      one.metric,
      one.arm,
      one.overhead === null ? '–' : change(one.overhead),
      one.interval ? `${change(one.interval.low)} to ${change(one.interval.high)}` : '–',
      one.interval ? `${(100 * one.interval.level).toFixed(1)} %` : '–',
      String(one.n),
      one.verdict,
      one.sight ? change(1 + one.sight.detectable) : '–',
      one.stallCost ? stall(one.stallCost) : '–',
      one.roundsNeeded === null ? '–' : String(one.roundsNeeded),
    ]),
    { width, titles: 3 },
  );
}

function stall({ ratio, low, high, disagrees }: NonNullable<Comparison['stallCost']>): string {
  const interval = low === null || high === null ? 'unbounded' : `${change(low)} to ${change(high)}`;
  return `${change(ratio)} (${interval})${disagrees ? ' disagrees' : ''}`;
}

function renderCells(cells: readonly CellSummary[], width: number): string {
  const number = (value: number | null): string => (value === null ? '–' : String(+value.toPrecision(5)));
  return textTable(
    [
      'workload',
      'metric',
      'arm',
      'unit',
      'n',
      'median',
      'interval',
      'HL',
      'mean',
      'MAD',
      'CoV',
      'lag-1',
      'drift/round',
    ],
    cells.map((cell) => [
      cell.workload,
      cell.metric,
      cell.arm,
      cell.unit,
      String(cell.n),
      number(cell.median),
      cell.medianInterval ? `${number(cell.medianInterval.low)} – ${number(cell.medianInterval.high)}` : '–',
      number(cell.hodgesLehmann),
      number(cell.mean),
      number(cell.mad),
      cell.cov === null ? '–' : `${(100 * cell.cov).toFixed(1)} %`,
      cell.lag1 === null ? '–' : cell.lag1.toFixed(2),
      number(cell.driftPerRound),
    ]),
    { width, titles: 3 },
  );
}
