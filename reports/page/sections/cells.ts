import type { CellSummary } from '../../../results/record/summary.ts';
import { EMULATED, namesOf, printable } from '../../words/names.ts';
import { percent, significant } from '../../words/number.ts';
import type { ReportRun } from '../report-run.ts';

/** STATISTICS 2 in a table: every cell described in its own unit. */
export function cellRows({ plan, summary }: ReportRun, workload: string) {
  const names = namesOf(plan);
  const order = new Map(plan.arms.map((arm, i) => [arm.id, i]));
  return summary.cells
    .filter((cell) => cell.workload === workload)
    .sort((a, b) => compareText(a.metric, b.metric) || (order.get(a.arm) ?? 0) - (order.get(b.arm) ?? 0))
    .map((cell) => ({
      metric: printable(names.metric(workload, cell.metric)?.title ?? cell.metric, 120),
      unit: printable(cell.unit, 24),
      arm: names.plainArm(cell.arm),
      tag: names.isEmulated(cell.arm) ? EMULATED : null,
      n: String(cell.n),
      voided: String(cell.voidedRounds),
      median: cell.n > 0 ? significant(cell.median, 4) : '–',
      medianInterval: intervalText(cell),
      hodgesLehmann: cell.n > 0 ? significant(cell.hodgesLehmann, 4) : '–',
      mean: cell.n > 0 ? significant(cell.mean, 4) : '–',
      range: cell.n > 0 ? `${significant(cell.min, 3)} to ${significant(cell.max, 3)}` : '–',
      mad: cell.n > 0 ? significant(cell.mad, 2) : '–',
      cov: cell.cov === null ? '–' : percent(cell.cov),
      lag1: cell.lag1 === null ? '–' : significant(cell.lag1, 2),
      drift:
        cell.driftPerRound === null || cell.median === 0
          ? '–'
          : percent(cell.driftPerRound / Math.abs(cell.median), 2),
    }));
}

function intervalText(cell: CellSummary): string {
  return cell.medianInterval === null
    ? '–'
    : `[${significant(cell.medianInterval.low, 4)}, ${significant(cell.medianInterval.high, 4)}]`;
}

/** By code unit, so that no locale of the machine changes the page. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
