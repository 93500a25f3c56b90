import type { Plan } from '../../results/record/plan.ts';
import type { Comparison, Summary } from '../../results/record/summary.ts';
import { costWords } from '../words/cost.ts';
import { EMULATED, namesOf, printable } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { sightWords } from '../words/sight.ts';
import { keyOf } from './table.ts';

/** What was found about one arm on one workload. */
export interface Clause {
  arm: string;
  emulated: boolean;
  verdict: Comparison['verdict'] | 'none';
  /** 'Container costs nothing that matters: +0.1 % [−0.2, 0.4].' */
  sentence: string;
  /** 'could see 1.8 % · A/A +0.4 %'; null where there is no verdict. */
  sight: string | null;
}

/** One question and its answer. */
export interface Finding {
  workload: string;
  metric: string;
  question: string;
  clauses: Clause[];
}

/** One question per workload and primary metric, answered arm by arm in words that need no statistics. */
export function findings(summary: Summary, plan: Plan): Finding[] {
  const names = namesOf(plan);
  const byKey = new Map<string, Comparison>(
    summary.comparisons.map((one) => [keyOf(one.workload, one.arm, one.metric), one]),
  );
  const baseline = names.arm(summary.baseline);
  return plan.workloads.flatMap((workload) =>
    workload.metrics
      .filter((metric) => metric.primary)
      .map((metric) => ({
        workload: workload.id,
        metric: metric.name,
        question: names.workload(workload.id),
        clauses: plan.arms.flatMap((arm) => {
          const comparison = byKey.get(keyOf(workload.id, arm.id, metric.name));
          if (!comparison) return [];
          const name = upperFirst(names.plainArm(arm.id));
          return [
            {
              arm: arm.id,
              emulated: arm.emulated,
              verdict: comparison.overhead === null ? ('none' as const) : comparison.verdict,
              sentence: sentence(name, arm.emulated, baseline, comparison, summary.margin),
              sight: sightWords(comparison)?.short ?? null,
            },
          ];
        }),
      }))
      .filter((finding) => finding.clauses.length > 0),
  );
}

function sentence(
  name: string,
  emulated: boolean,
  baseline: string,
  one: Comparison,
  margin: number,
): string {
  const words = costWords(one);
  if (!words)
    return `${name}: no number, because ${printable(one.problem ?? 'no round has both values', 240)}.`;
  const tail = emulated ? `, ${EMULATED}` : '';
  const interval = words.interval ? ` ${words.interval}` : '';
  const band = `±${percent(margin, marginDecimals(margin))}`;
  if (one.interval === null) return `${name}: ${words.signed}${tail}, from too few rounds for an interval.`;
  switch (one.verdict) {
    case 'worse':
      return words.form === 'multiple'
        ? `${name} costs ${words.plain} as much as ${baseline}${interval}${tail}.`
        : `${name} costs ${words.plain} more than ${baseline}${interval}${tail}.`;
    case 'better':
      return `${name} costs less than ${baseline}: ${words.signed}${interval}${tail}.`;
    case 'equivalent':
      return `${name} costs nothing that matters (${band}): ${words.signed}${interval}${tail}.`;
    case 'different-but-negligible':
      return `${name} differs, but by less than the ${band} that matters: ${words.signed}${interval}${tail}.`;
    case 'inconclusive':
      return `${name} is not settled: ${words.signed}${interval}${tail} allows both a cost and none.`;
  }
}

function marginDecimals(margin: number): number {
  return Number.isInteger(Math.round(margin * 1e6) / 1e4) ? 0 : 1;
}

/** A sentence begins with a capital. */
function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The run in one sentence: how much was asked and how much of it stands. */
export function runSentence(summary: Summary, plan: Plan): string {
  const { completed, failed, timedOut, invalid, aborted, missing } = summary.counts;
  // Spare rounds that replaced void ones are beyond what was planned.
  const lost = failed + timedOut + invalid + aborted + missing;
  const arms = plan.arms.length;
  return (
    `${arms} ${arms === 1 ? 'box' : 'boxes'} × ${plan.workloads.length} ${plan.workloads.length === 1 ? 'workload' : 'workloads'}, ` +
    `${plan.rounds} ${plan.rounds === 1 ? 'round' : 'rounds'} in random order: ${completed} of ${completed + lost} trials gave a value` +
    (lost > 0 ? `, ${lost} did not.` : '.')
  );
}
