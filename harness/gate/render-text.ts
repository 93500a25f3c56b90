import type { GateMetricRecord, GateRecord } from '../../results/record/gate.ts';
import { change } from '../../results/statistics/verdict-sentence.ts';
import { wrap } from '../../reports/terminal/text-width.ts';
import { textTable } from '../analyze/text-table.ts';

const WORD = { pass: 'PASS', fail: 'FAIL', inconclusive: 'INCONCLUSIVE' } as const;

/** The gate's answer for a terminal: the answer, every metric worst first, then what to know about it. */
export function renderGate(gate: GateRecord, width = Infinity): string {
  const { answer, why, metrics, warnings, differs = [] } = gate;
  const table = textTable(
    ['', 'metric', 'change', 'interval', 'tolerated', 'n', 'could see', 'control', 'p worse', 'p within'],
    metrics.map((one) => [
      WORD[one.answer],
      one.name,
      one.change === null ? '–' : change(one.change),
      spanOf(one),
      change(1 + one.tolerance),
      String(one.n),
      one.detectable === null ? '–' : change(1 + one.detectable),
      one.control ? change(one.control.apparent) : '–',
      probability(one.pFailAdjusted),
      probability(one.pPass),
    ]),
    { width, titles: 2 },
  );
  const level = gate.alpha / gate.looks;
  const notes = metrics
    .filter(({ answer }) => answer !== 'pass')
    .map(({ name, why }) => `${name}: ${why}`)
    .concat(warnings.map((warning) => `! ${warning}`));
  const fit = (text: string): string => wrap(text, width, '  ').join('\n');
  return [
    fit(`${WORD[answer]}: ${why}`),
    fit(
      `${gate.candidate} against ${gate.reference} · look ${gate.look} of ${gate.looks}, ${gate.rounds} rounds · each side at ${level.toPrecision(2)} (α ${gate.alpha} over ${gate.looks} looks; "p worse" after Holm; "could see": the smallest worsening that this job would have failed nine times in ten; "control": the reference against itself)`,
    ),
    ...(differs.length > 0 ? [['What differs:', ...differs].map(fit).join('\n  ')] : []),
    table,
    ...(notes.length > 0 ? [notes.map(fit).join('\n')] : []),
    ...(gate.run ? [`trials: ${gate.run}`] : []),
  ].join('\n\n');
}

export function spanOf({ interval }: Pick<GateMetricRecord, 'interval'>): string {
  return interval ? `${change(interval.low)} to ${change(interval.high)}` : '–';
}

function probability(p: number | null): string {
  if (p === null) return '–';
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}
