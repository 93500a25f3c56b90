import type { GateRecord } from '../../results/record/gate.ts';
import { change } from '../../results/statistics/verdict-sentence.ts';
import { spanOf } from './render-text.ts';

const SIGN = { pass: '✅ pass', fail: '❌ fail', inconclusive: '❔ inconclusive' } as const;

/** The gate as Markdown, for a pull request or a job summary. */
export function markdownOfGate(gate: GateRecord): string {
  const rows = gate.metrics.map((one) =>
    [
      SIGN[one.answer],
      one.name,
      one.change === null ? '–' : change(one.change),
      spanOf(one),
      change(1 + one.tolerance),
      one.detectable === null ? '–' : change(1 + one.detectable),
      one.control ? change(one.control.apparent) : 'none',
      one.why,
    ].map(cell),
  );
  return [
    `## ${SIGN[gate.answer]}: ${cell(gate.candidate)} against ${cell(gate.reference)}`,
    '',
    `${cell(gate.why)}.`,
    '',
    ...(gate.differs ?? []).map((one) => `- ${cell(one)}`),
    ...(gate.differs?.length ? [''] : []),
    '| | metric | change in cost | 95 % interval | tolerated | could have seen | A/A control | |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    `Look ${gate.look} of ${gate.looks}, ${gate.rounds} rounds, α ${gate.alpha} shared by the looks, Holm over ${gate.metrics.length} metrics. “Could have seen”: the smallest worsening that this job would have failed nine times in ten; “A/A control”: what the reference seemed to differ from itself.`,
    ...gate.warnings.map((warning) => `\n> ⚠️ ${cell(warning)}`),
    '',
  ].join('\n');
}

/** Text that is text in Markdown: no markup, no table break, no link, no HTML. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>|#!~@]/g, (character) => `\\${character}`);
}
