import { voidedRounds } from '../../results/summarize/voided-rounds.ts';
import type { ReportRun } from '../page/report-run.ts';

/** One sample, with all that is needed to group and filter it: Wickham's tidy data (J. Stat. Soft. 59, 2014). */
export interface TidyRow {
  run_id: string;
  trial: string;
  round: number;
  position: number;
  started_at: string;
  arm: string;
  arm_label: string;
  runtime: string;
  emulated: boolean;
  workload: string;
  workload_label: string;
  metric: string;
  unit: string;
  better: string;
  value: number;
  /** False when its round is void: kept, and not to be used. */
  valid: boolean;
}

/** SQL types of the columns, in order. */
export const TIDY_COLUMNS: Record<keyof TidyRow, 'VARCHAR' | 'INTEGER' | 'DOUBLE' | 'BOOLEAN'> = {
  run_id: 'VARCHAR',
  trial: 'VARCHAR',
  round: 'INTEGER',
  position: 'INTEGER',
  started_at: 'VARCHAR',
  arm: 'VARCHAR',
  arm_label: 'VARCHAR',
  runtime: 'VARCHAR',
  emulated: 'BOOLEAN',
  workload: 'VARCHAR',
  workload_label: 'VARCHAR',
  metric: 'VARCHAR',
  unit: 'VARCHAR',
  better: 'VARCHAR',
  value: 'DOUBLE',
  valid: 'BOOLEAN',
};

/** Every sample that was read, in the order of the trials; rounds count from 1, as on the page. */
export function* tidyRows({ plan, trials }: Pick<ReportRun, 'plan' | 'trials'>): Generator<TidyRow> {
  const arms = new Map(plan.arms.map((arm) => [arm.id, arm]));
  const workloads = new Map(plan.workloads.map((workload) => [workload.id, workload]));
  const voided = voidedRounds(trials);
  for (const trial of trials) {
    const { outcome } = trial;
    const samples =
      outcome.status === 'completed' ? outcome.samples : outcome.status === 'invalid' ? outcome.observed : [];
    const arm = arms.get(trial.arm);
    const workload = workloads.get(trial.workload);
    for (const sample of samples)
      yield {
        run_id: plan.runId,
        trial: trial.trial,
        round: trial.round + 1,
        position: trial.position + 1,
        started_at: trial.startedAt,
        arm: trial.arm,
        arm_label: arm?.label ?? trial.arm,
        runtime: arm?.runtime ?? '',
        emulated: arm?.emulated ?? false,
        workload: trial.workload,
        workload_label: workload?.label ?? trial.workload,
        metric: sample.metric,
        unit: sample.unit,
        better: workload?.metrics.find(({ name }) => name === sample.metric)?.better ?? '',
        value: sample.value,
        valid: outcome.status === 'completed' && !voided.isVoid(trial.workload, trial.round),
      };
  }
}
