import type { Plan } from '../record/plan.ts';
import type { TrialRecord } from '../record/trial.ts';
import { medianOfSorted } from '../statistics/theil-sen.ts';
import { instanceReadings, INSTANCE_WORKLOAD } from './instance-workload.ts';
import type { NestedSeries, NestedValue } from './replication.ts';
import { voidedRounds } from './voided-rounds.ts';

/** A run has two levels of repetition of a box's own costs: every trial starts a box, and every round has several trials. */
export const RUN_LEVELS = ['round', 'start'] as const;

/** Costs that are read before the work begins: only there all trials of an arm are repetitions of the same. */
const BEFORE_THE_WORK = new Set(['startup', 'startup_cpu', 'memory_pss']);

/**
 * The repetitions of one run: what starting and keeping a box of each arm costs, by round and start. What a workload measures
 * is repeated by rounds alone and has no second level. A start costs what its trials typically took, in seconds; a round
 * costs nothing by itself.
 */
export function repetitionsOfRun(plan: Plan, trials: readonly TrialRecord[]): NestedSeries[] {
  const voided = voidedRounds(trials);
  const found = new Map<string, Omit<NestedSeries, 'costs'>>();
  const seconds = new Map<string, number[]>();
  for (const trial of trials) {
    const { outcome, workload, round, arm, stepsMs } = trial;
    if (outcome.status !== 'completed' || voided.isVoid(workload, round)) continue;
    const took = Object.values(stepsMs).reduce((sum, ms) => sum + ms, 0) / 1000;
    seconds.set(arm, [...(seconds.get(arm) ?? []), took]);
    for (const { metric, value } of instanceReadings(trial)) {
      if (!BEFORE_THE_WORK.has(metric.name)) continue;
      const key = JSON.stringify([arm, metric.name]);
      const series = found.get(key) ?? {
        ...{ workload: INSTANCE_WORKLOAD, arm, metric: metric.name, unit: metric.unit },
        values: [] as NestedValue[],
      };
      series.values.push({ path: [round, workload], value });
      found.set(key, series);
    }
  }
  const rank = new Map(plan.arms.map(({ id }, i) => [id, i]));
  return [...found.values()]
    .map((series) => {
      const sorted = (seconds.get(series.arm) ?? []).sort((a, b) => a - b);
      return { ...series, costs: [0, medianOfSorted(sorted)] };
    })
    .sort((a, b) => (rank.get(a.arm) ?? 0) - (rank.get(b.arm) ?? 0));
}
