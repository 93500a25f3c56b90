import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import type { VoidedRounds } from '../../results/summarize/voided-rounds.ts';
import { printable } from '../words/names.ts';
import { isDrawable } from './scale.ts';
import { quantity } from '../words/number.ts';

/** One value of one trial, as the pictures show it. */
export interface Observation {
  arm: string;
  round: number;
  position: number;
  /** null when the trial brought no value home. */
  value: number | null;
  state: 'valid' | 'void' | 'no value';
  trial: string;
  /** Said on hover. */
  tip: string;
}

/** What a trial read of one metric: used values, voided ones, and the trials that have none. */
export function observationsOf(
  trials: readonly TrialRecord[],
  workload: string,
  metric: string,
  voided: Pick<VoidedRounds, 'isVoid'>,
): Observation[] {
  return trials
    .filter((trial) => trial.workload === workload)
    .map((trial) => {
      const samples =
        trial.outcome.status === 'completed'
          ? trial.outcome.samples
          : trial.outcome.status === 'invalid'
            ? trial.outcome.observed
            : [];
      const sample = samples.find((one) => one.metric === metric && Number.isFinite(one.value));
      const isVoid = trial.outcome.status === 'invalid' || voided.isVoid(workload, trial.round);
      const drawable = sample !== undefined && isDrawable(sample.value);
      const state = !drawable ? 'no value' : isVoid ? 'void' : 'valid';
      return {
        arm: trial.arm,
        round: trial.round + 1,
        position: trial.position + 1,
        value: drawable ? sample.value : null,
        state,
        trial: trial.trial,
        tip: printable(
          `${trial.trial}: ${sample ? quantity(sample.value, sample.unit) : trial.outcome.status}${state === 'void' ? ', void' : ''}`,
          160,
        ),
      } satisfies Observation;
    });
}

/** Arms that have planned cells on a workload, in the plan's order. */
export function armsOn(plan: Plan, workload: string): string[] {
  const on = new Set(plan.cells.filter((cell) => cell.workload === workload).map((cell) => cell.arm));
  return plan.arms.map((arm) => arm.id).filter((id) => on.has(id));
}
