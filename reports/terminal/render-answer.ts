import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import { findings, runSentence } from '../answer/findings.ts';
import { runNotes } from '../answer/run-notes.ts';
import { answerTable, type AnswerCell, type AnswerRow, type AnswerTable } from '../answer/table.ts';
import { EMULATED, printable } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { sightLegend } from '../words/sight.ts';
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
  const answer = answerTable(summary, plan);
  const lines: string[] = [''];
  for (const finding of findings(summary, plan)) {
    lines.push(...wrap(finding.question, width).map(paint.bold));
    for (const clause of finding.clauses)
      lines.push(
        ...wrap(clause.sentence, width - 2, '  ').map((line) => `  ${paint.verdict(clause.verdict)(line)}`),
      );
  }
  lines.push('', ...table(answer, width, paint), '');
  lines.push(...wrap(runSentence(summary, plan), width));
  const level = percent(summary.confidence, 0);
  lines.push(
    ...wrap(
      `Costs are against ${answer.baselineName}, the typical round, with the ${level} interval in brackets; ` +
        `"same" means within ±${percent(summary.margin, 1)}. ${sightLegend(answer.hasControl)}`,
      width,
    ).map(paint.dim),
  );
  for (const arm of answer.arms)
    if (arm.caveats.length > 0)
      lines.push(...wrap(`${arm.name}: ${arm.caveats.join('; ')}.`, width, '  ').map(paint.dim));
  for (const { title, sentences } of runNotes(summary, plan)) {
    lines.push('', ...wrap(title, width).map(paint.bold));
    for (const text of sentences) lines.push(...wrap(text, width - 2, '  ').map((line) => `  ${line}`));
  }
  for (const warning of summary.warnings)
    lines.push(...wrap(`! ${printable(warning)}`, width, '  ').map(paint.warn));
  return lines.join('\n').replace(/[ \t]+$/gm, '');
}

const RIGHT_ALIGNED = new Set(['cost', 'interval', 'could see', 'A/A', 'median']);
const GAP = 2;
const INDENT = 2;

function headOf({ hasControl }: AnswerTable): string[] {
  return ['box', 'cost', 'interval', 'verdict', 'could see', ...(hasControl ? ['A/A'] : []), 'median'];
}

/**
 * The widest form that fits: "emulated" beside both numbers of a row, then once a row, then one block per metric.
 */
function table(answer: AnswerTable, width: number, paint: Paints): string[] {
  const rows = answer.rows.filter((row) => row.primary);
  return (
    columns(rows, answer, width, paint, 'each number') ??
    columns(rows, answer, width, paint, 'once a row') ??
    rows.flatMap((row) => stacked(row, rowTitle(row, rows), answer, width, paint))
  );
}

type Tags = 'each number' | 'once a row';

/** Null when it is wider than the terminal. */
function columns(
  rows: readonly AnswerRow[],
  answer: AnswerTable,
  width: number,
  paint: Paints,
  tags: Tags,
): string[] | null {
  const head = headOf(answer);
  const groups = rows.map((row) => ({ title: rowTitle(row, rows), lines: linesOf(row, answer, tags) }));
  const all = groups.flatMap((group) => group.lines);
  const widths = head.map((title, i) =>
    Math.max(textWidth(title), ...all.map((line) => textWidth(line.texts[i]!))),
  );
  if (widths.reduce((sum, one) => sum + one + GAP, INDENT - GAP) > width) return null;
  const print = (texts: string[]): string =>
    (
      ' '.repeat(INDENT) +
      texts
        .map((text, i) => {
          const gap = ' '.repeat(widths[i]! - textWidth(text));
          return RIGHT_ALIGNED.has(head[i]!) ? gap + text : text + gap;
        })
        .join(' '.repeat(GAP))
    ).trimEnd();
  return [
    paint.dim(print(head)),
    ...groups.flatMap(({ title, lines }) => [
      paint.bold(clip(title, width)),
      ...lines.map((line) => paint.verdict(line.verdict)(print(line.texts))),
    ]),
  ];
}

/** The workload, and the metric too where the workload alone does not say which. */
function rowTitle(row: AnswerRow, rows: readonly AnswerRow[]): string {
  const isAlone = rows.filter((other) => other.workload === row.workload).length === 1;
  return isAlone && !row.isBox ? row.workloadName : `${row.workloadName}: ${row.metricTitle}`;
}

function linesOf(
  row: AnswerRow,
  answer: AnswerTable,
  tags: Tags,
): { verdict: AnswerCell['verdict']; texts: string[] }[] {
  return [
    {
      verdict: 'none',
      texts: [
        ...[answer.baselineName, 'baseline', '', '', '', ...(answer.hasControl ? [''] : [])],
        median(row.baselineMedian, answer.baselineEmulated),
      ],
    },
    ...row.cells.map((cell) => ({
      verdict: cell.verdict,
      texts: [
        clip(cell.armName, 40),
        tagged(cell),
        cell.interval ?? '',
        `${cell.sign} ${cell.word}`.trim(),
        cell.sight?.couldSee ?? '',
        ...(answer.hasControl ? [cell.sight?.floor ?? ''] : []),
        median(cell.median, cell.emulated && (tags === 'each number' || cell.cost === '–')),
      ],
    })),
  ];
}

function tagged({ cost, emulated }: AnswerCell): string {
  return emulated && cost !== '–' ? `${cost} ${EMULATED}` : cost;
}

function median(text: string | null, emulated: boolean): string {
  return text === null ? '–' : emulated ? `${text}, ${EMULATED}` : text;
}

/** For narrow terminals: one block per metric. */
function stacked(row: AnswerRow, title: string, answer: AnswerTable, width: number, paint: Paints): string[] {
  return [
    ...wrap(title, width).map(paint.bold),
    ...wrap(
      `${answer.baselineName}: ${median(row.baselineMedian, answer.baselineEmulated)}`,
      width - INDENT,
    ).map((line) => `  ${line}`),
    ...row.cells.flatMap((cell) =>
      wrap(
        `${cell.armName}: ${[tagged(cell), cell.interval].filter(Boolean).join(' ')}, ${`${cell.sign} ${cell.word}`.trim()}` +
          `${cell.sight ? ` (${cell.sight.short})` : ''}, ${median(cell.median, cell.emulated && cell.cost === '–')}`,
        width - INDENT,
        '  ',
      ).map((line) => `  ${paint.verdict(cell.verdict)(line)}`),
    ),
  ];
}

type Paints = Record<'bold' | 'dim' | 'warn', Paint> & { verdict(verdict: AnswerCell['verdict']): Paint };

function paints(color: boolean): Paints {
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
