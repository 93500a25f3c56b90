import type { Analysis } from '../../results/record/analysis.ts';
import type { CellSummary, Comparison } from '../../results/record/summary.ts';
import { change } from '../../results/statistics/verdict-sentence.ts';
import { textTable } from './text-table.ts';

/** An analysis for a terminal: overheads first, then the cells behind them, then what to beware of. */
export function renderAnalysis(analysis: Analysis): string {
  const { comparisons, cells, warnings, baseline, confidence, margin } = analysis;
  const parts: string[] = [];
  if (comparisons.length > 0)
    parts.push(
      `Cost against ${baseline} (${100 * confidence} % intervals; "same" is within ±${+(100 * margin).toFixed(2)} %)`,
      renderComparisons(comparisons),
    );
  parts.push('Cells', renderCells(cells));
  const problems = comparisons.flatMap(({ problem, workload, metric, arm }) =>
    problem ? [`${workload} ${metric}, ${arm}: ${problem}`] : [],
  );
  for (const text of [...problems, ...warnings]) parts.push(`! ${text}`);
  return parts.join('\n\n').replace(/\n\n!/g, '\n!');
}

/** One line per comparison. */
export function renderComparisons(comparisons: readonly Comparison[]): string {
  return textTable(
    ['workload', 'metric', 'arm', 'cost', 'interval', 'level', 'n', 'verdict', 'stall cost', 'rounds needed'],
    comparisons.map((one) => [
      one.workload,
      one.metric,
      one.arm,
      one.overhead === null ? '–' : change(one.overhead),
      one.interval ? `${change(one.interval.low)} to ${change(one.interval.high)}` : '–',
      one.interval ? `${(100 * one.interval.level).toFixed(1)} %` : '–',
      String(one.n),
      one.verdict,
      one.stallCost ? stall(one.stallCost) : '–',
      one.roundsNeeded === null ? '–' : String(one.roundsNeeded),
    ]),
  );
}

function stall({ ratio, low, high, disagrees }: NonNullable<Comparison['stallCost']>): string {
  const interval = low === null || high === null ? 'unbounded' : `${change(low)} to ${change(high)}`;
  return `${change(ratio)} (${interval})${disagrees ? ' disagrees' : ''}`;
}

function renderCells(cells: readonly CellSummary[]): string {
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
  );
}
