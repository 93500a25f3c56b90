import type { Plan } from '../record/plan.ts';
import type { Comparison, Summary } from '../record/summary.ts';
import { POSITION_EFFECT_SHOWN } from '../statistics/defaults.ts';
import { change } from '../statistics/verdict-sentence.ts';
import { INSTANCE_WORKLOAD } from './instance-workload.ts';

/** Facts whose difference between arms means that they were not given the same. The others differ by nature. */
const MUST_MATCH = new Set(['CPUs', 'memory', 'CPU model', 'CPU flags', 'clock source']);

/** What a reader must know before believing the numbers, in sentences. */
export function summaryWarnings(
  plan: Plan,
  { comparisons, counts, parity, voidedRounds }: Omit<Summary, 'warnings'>,
): string[] {
  const warnings: string[] = [];
  const runtimeOf = new Map(plan.arms.map((arm) => [arm.id, arm.runtime]));
  for (const arm of plan.arms)
    if (arm.emulated)
      warnings.push(
        `${arm.label}: the CPU was emulated in software (TCG); its numbers are the cost of emulation, not of a VM with hardware virtualisation`,
      );
  for (const comparison of comparisons) {
    if (isSuspiciouslyFast(comparison, runtimeOf)) {
      warnings.push(
        `${comparison.arm} beats native in ${comparison.workload} ${comparison.metric} (${change(comparison.overhead ?? 1)}): look for a cache of the host or a benchmark that measures something else`,
      );
    }
    if ((comparison.positionEffect ?? 0) > POSITION_EFFECT_SHOWN)
      warnings.push(
        `${comparison.workload} ${comparison.metric}: where ${comparison.arm} stood in the round made a difference (${comparison.positionEffect?.toFixed(1)} standard errors)`,
      );
    if (comparison.stallCost?.disagrees)
      warnings.push(
        `${comparison.workload} ${comparison.metric}: over all rounds together ${comparison.arm} costs ${change(comparison.stallCost.ratio)}, typically ${change(comparison.overhead ?? 1)}: some rounds stalled`,
      );
  }
  for (const { what, values, matches } of parity) {
    if (matches || !(MUST_MATCH.has(what) || what.endsWith('(sha256)'))) continue;
    const seen = Object.entries(values).map(([arm, value]) => `${arm} ${value}`);
    warnings.push(`the arms did not see the same ${what}: ${seen.join(', ')}`);
  }
  const lost = counts.failed + counts.timedOut;
  if (lost > 0) warnings.push(`${lost} of ${counts.planned} trials failed or timed out`);
  if (voidedRounds.length > 0)
    warnings.push(
      `${voidedRounds.length} rounds are void in part or whole (disturbed); ${plan.rounds} were planned`,
    );
  if (counts.missing + counts.aborted > 0)
    warnings.push(
      `${counts.missing + counts.aborted} of ${counts.planned} planned trials were not run to their end`,
    );
  return warnings;
}

function isSuspiciouslyFast(comparison: Comparison, runtimeOf: ReadonlyMap<string, string>): boolean {
  return (
    comparison.workload !== INSTANCE_WORKLOAD &&
    comparison.verdict === 'better' &&
    runtimeOf.get(comparison.baseline) === 'native' &&
    runtimeOf.get(comparison.arm) !== 'native'
  );
}
