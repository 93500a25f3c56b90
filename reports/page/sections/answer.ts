import { networkPaths, type NetworkPaths } from '../../answer/network-paths.ts';
import { findings } from '../../answer/findings.ts';
import { runNotes } from '../../answer/run-notes.ts';
import { answerTable, type AnswerRow, type AnswerTable } from '../../answer/table.ts';
import { EMULATED, printable } from '../../words/names.ts';
import { percent } from '../../words/number.ts';
import { sightLegend } from '../../words/sight.ts';
import { verdictLegend, verdictWords } from '../../words/verdict.ts';
import { anchor } from '../anchor.ts';
import type { ReportRun } from '../report-run.ts';

/** The answer first: one sentence per question and box, then the table of metric × box. */
export function answerSection({ plan, summary, trials }: ReportRun) {
  const paths = networkPaths(plan, trials);
  const table = answerTable(summary, plan);
  const found = findings(summary, plan);
  const rows = table.rows.map((row) => rowModel(row, table, paths.get(row.workload)));
  return {
    findings: found.map((finding) => ({
      question: finding.question,
      note: paths.get(finding.workload)?.note ?? null,
      link: anchor('work', finding.workload),
      clauses: finding.clauses.map((clause) => ({
        ...clause,
        sign: clause.verdict === 'none' ? '–' : verdictWords(clause.verdict).sign,
      })),
    })),
    questions: String(found.length),
    isLong: found.length > MOST_QUESTIONS,
    baselineName: table.baselineName,
    arms: table.arms,
    hasCaveats: table.arms.some((arm) => arm.caveats.length > 0),
    primaryRows: rows.filter((row) => row.primary),
    detailRows: rows.filter((row) => !row.primary),
    hasDetails: rows.some((row) => !row.primary),
    legend: verdictLegend(),
    sightLegend: sightLegend(table.hasControl),
    level: percent(summary.confidence, 0),
    margin: percent(summary.margin, 1),
    notes: runNotes(summary, plan),
    warnings: summary.warnings.map((warning) => printable(warning)),
  };
}

/** More questions than this are no longer read as sentences: they are folded, and a heat map comes first. */
const MOST_QUESTIONS = 16;

function rowModel(
  row: AnswerRow,
  { baseline, baselineName, baselineEmulated }: AnswerTable,
  paths: NetworkPaths | undefined,
) {
  return {
    ...row,
    baselineName,
    baselinePath: paths?.byArm.get(baseline) ?? null,
    baselineMedian: row.baselineMedian ?? '–',
    baselineTag: baselineEmulated && row.baselineMedian !== null ? EMULATED : null,
    cells: row.cells.map((cell) => ({
      ...cell,
      path: paths?.byArm.get(cell.arm) ?? null,
      interval: cell.interval ?? '',
      tag: cell.emulated && cell.median !== null ? EMULATED : null,
      median: cell.median ?? '',
      problem: cell.problem === null || cell.verdict !== 'none' ? '' : printable(cell.problem, 200),
    })),
  };
}
