import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import { findings, runSentence } from '../answer/findings.ts';
import { answerTable, type AnswerCell } from '../answer/table.ts';
import { EMULATED, printable } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { clip, textWidth, wrap } from './text-width.ts';

/** What the table may use of the terminal. */
export interface TerminalStyle {
  color: boolean;
  /** Columns; at least 40 are assumed. */
  width: number;
}

type Paint = (text: string) => string;

/** The same answer as the page's, for a terminal: one sentence per finding, then a table, narrow terminals in one column. */
export function renderAnswer(summary: Summary, plan: Plan, style: TerminalStyle): string {
  const width = Math.min(Math.max(40, style.width || 80), 160);
  const paint = paints(style.color);
  const lines: string[] = [''];
  for (const finding of findings(summary, plan)) {
    lines.push(...wrap(finding.question, width).map(paint.bold));
    for (const clause of finding.clauses)
      lines.push(
        ...wrap(clause.sentence, width - 2, '  ').map((line) => `  ${paint.verdict(clause.verdict)(line)}`),
      );
  }
  lines.push('', ...table(summary, plan, width, paint), '');
  lines.push(...wrap(runSentence(summary, plan), width));
  const level = percent(summary.confidence, 0);
  lines.push(
    ...wrap(
      `Costs are against ${answerTable(summary, plan).baselineName}, the typical round, with the ${level} interval in brackets; ` +
        `"same" means within ±${percent(summary.margin, 1)}.`,
      width,
    ).map(paint.dim),
  );
  for (const warning of summary.warnings)
    lines.push(...wrap(`! ${printable(warning)}`, width, '  ').map(paint.warn));
  return lines.join('\n').replace(/[ \t]+$/gm, '');
}

function table(summary: Summary, plan: Plan, width: number, paint: ReturnType<typeof paints>): string[] {
  const answer = answerTable(summary, plan);
  const rows = answer.rows.filter((row) => row.primary);
  const head = ['workload', 'box', 'cost', 'interval', 'verdict', 'median'];
  const body = rows.flatMap((row) => [
    {
      verdict: 'none' as AnswerCell['verdict'],
      texts: [
        row.workloadName,
        answer.baselineName,
        'baseline',
        '',
        '',
        median(row.baselineMedian, answer.baselineEmulated),
      ],
    },
    ...row.cells.map((cell) => ({
      verdict: cell.verdict,
      texts: [
        '',
        cell.armName,
        cell.cost + (cell.emulated && cell.cost !== '–' ? ` ${EMULATED}` : ''),
        cell.interval ?? '',
        `${cell.sign} ${cell.word}`.trim(),
        median(cell.median, cell.emulated),
      ],
    })),
  ]);
  const natural = head.map((title, i) =>
    Math.max(textWidth(title), ...body.map((row) => textWidth(row.texts[i]!))),
  );
  const gaps = 2 * (head.length - 1);
  const fixed = natural.slice(1).reduce((sum, one) => sum + one, 0) + gaps;
  const first = Math.min(natural[0]!, width - fixed);
  if (first < 8)
    return stacked(
      answer.rows.filter((row) => row.primary),
      answer.baselineName,
      width,
      paint,
    );
  const widths = [first, ...natural.slice(1)];
  const rightAligned = new Set([2, 3, 5]);
  const print = (texts: string[]): string =>
    texts
      .map((text, i) => {
        const cut = clip(text, widths[i]!);
        const gap = ' '.repeat(widths[i]! - textWidth(cut));
        return rightAligned.has(i) ? gap + cut : cut + gap;
      })
      .join('  ')
      .trimEnd();
  return [
    paint.bold(print(head)),
    paint.dim(widths.map((one) => '─'.repeat(one)).join('──')),
    ...body.map((row) => paint.verdict(row.verdict)(print(row.texts))),
  ];
}

function median(text: string | null, emulated: boolean): string {
  return text === null ? '–' : emulated ? `${text}, ${EMULATED}` : text;
}

/** For narrow terminals: one block per comparison. */
function stacked(
  rows: ReturnType<typeof answerTable>['rows'],
  baseline: string,
  width: number,
  paint: ReturnType<typeof paints>,
): string[] {
  return rows.flatMap((row) => [
    ...wrap(row.workloadName, width).map(paint.bold),
    ...wrap(`${baseline}: ${row.baselineMedian ?? '–'}`, width - 2).map((line) => `  ${line}`),
    ...row.cells.flatMap((cell) =>
      wrap(
        `${cell.armName}: ${[cell.cost, cell.interval].filter(Boolean).join(' ')}, ${cell.sign} ${cell.word}, ${median(cell.median, cell.emulated)}`,
        width - 2,
        '  ',
      ).map((line) => `  ${paint.verdict(cell.verdict)(line)}`),
    ),
  ]);
}

function paints(
  color: boolean,
): Record<'bold' | 'dim' | 'warn', Paint> & { verdict(verdict: AnswerCell['verdict']): Paint } {
  const sgr =
    (open: number, close: number): Paint =>
    (text) =>
      color ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  const plain: Paint = (text) => text;
  const byVerdict: Partial<Record<AnswerCell['verdict'], Paint>> = {
    worse: sgr(33, 39),
    better: sgr(36, 39),
    equivalent: sgr(32, 39),
    'different-but-negligible': sgr(32, 39),
  };
  return {
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    warn: sgr(33, 39),
    verdict: (verdict) => byVerdict[verdict] ?? plain,
  };
}
