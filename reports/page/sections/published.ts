import { ratioWords, costWords } from '../../words/cost.ts';
import { EMULATED, namesOf, printable } from '../../words/names.ts';
import type { ReportRun } from '../report-run.ts';

/** Published ratios beside ours. Never the absolute numbers: those are of other machines. */
export function publishedRows({ plan, summary }: ReportRun) {
  const names = namesOf(plan);
  return summary.published.map((row) => {
    const interval =
      row.low === null || row.high === null ? null : { low: row.low, high: row.high, level: 0 };
    const ours = costWords({ overhead: row.ours, interval });
    return {
      workload: names.workload(row.workload),
      pair: `${names.plainArm(row.arm)} against ${names.arm(row.baseline)}`,
      source: printable(row.source, 200),
      setup: printable(row.setup, 200),
      id: printable(row.id, 60),
      published: ratioWords(row.published),
      ours: ours?.signed ?? '–',
      interval: ours?.interval ?? '',
      tag: ours && (names.isEmulated(row.arm) || names.isEmulated(row.baseline)) ? EMULATED : null,
      agrees:
        row.agrees === null ? 'no interval' : row.agrees ? 'inside our interval' : 'outside our interval',
    };
  });
}
