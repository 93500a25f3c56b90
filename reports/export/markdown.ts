import { findings, runSentence } from '../answer/findings.ts';
import { answerTable } from '../answer/table.ts';
import { EMULATED, printable } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { sightLegend } from '../words/sight.ts';
import type { ExportFormat } from './format.ts';

/** The answer for a pull request or a README (GitHub flavoured Markdown). */
export const markdown: ExportFormat = {
  id: 'markdown',
  summary: 'the answer as GitHub Markdown (pull requests, READMEs)',
  extension: 'md',
  write: ({ plan, summary }) => {
    const table = answerTable(summary, plan);
    const lines = [`## ${escapeMarkdown(plan.title)}`, '', escapeMarkdown(runSentence(summary, plan)), ''];
    for (const finding of findings(summary, plan)) {
      lines.push(`- **${escapeMarkdown(finding.question)}**`);
      for (const clause of finding.clauses) lines.push(`  - ${escapeMarkdown(clause.sentence)}`);
    }
    const heads = ['Measured', table.baselineName, ...table.arms.map((arm) => arm.name)];
    lines.push('', row(heads), `|${heads.map(() => ' --- ').join('|')}|`);
    for (const one of table.rows.filter(({ primary }) => primary))
      lines.push(
        row([
          `${one.workloadName}: ${one.metricTitle}`,
          tagged(one.baselineMedian ?? '–', table.baselineEmulated && one.baselineMedian !== null),
          ...one.cells.map((cell) =>
            [
              tagged(
                [cell.cost, cell.interval].filter(Boolean).join(' '),
                cell.emulated && cell.cost !== '–',
              ),
              `${cell.sign} ${cell.word}`.trim(),
              cell.sight?.short ?? '',
              cell.median === null ? '' : tagged(cell.median, cell.emulated),
            ]
              .filter(Boolean)
              .join(' · '),
          ),
        ]),
      );
    lines.push(
      '',
      escapeMarkdown(
        `Cost against ${table.baselineName}, ${percent(summary.confidence, 0)} interval in brackets, margin ±${percent(summary.margin, 1)}. ${sightLegend(table.hasControl)}`,
      ),
    );
    for (const warning of summary.warnings) lines.push('', `> ${escapeMarkdown(printable(warning))}`);
    return lines.join('\n') + '\n';
  },
};

function tagged(text: string, emulated: boolean): string {
  return emulated ? `${text} ${EMULATED}` : text;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escapeMarkdown).join(' | ')} |`;
}

/** Every ASCII punctuation mark that can begin markup is escaped (CommonMark 2.4); line ends become spaces. */
export function escapeMarkdown(text: string): string {
  return printable(text, 2000)
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\`*_{}[\]<>()#!|~&$@:]/g, (mark) => `\\${mark}`)
    .replace(/(?<=^\s*)([-+]|\d+\.)(?=\s)/, '\\$1');
}
