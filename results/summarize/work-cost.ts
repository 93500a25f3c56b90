import type { Metric } from '../record/metric.ts';
import type { PlannedWorkload } from '../record/plan.ts';
import type { TrialRecord } from '../record/trial.ts';
import { INSTANCE_WORKLOAD, instanceWorkload } from './instance-workload.ts';

/** What a throughput figure hides when a box burns more CPU for it. */
const HOST_CPU_PER_UNIT = 'host_cpu_per_unit';

type Measured = Pick<PlannedWorkload, 'id' | 'label' | 'metrics'>;

/**
 * The workloads with every metric that a summary has of them: their own, the host CPU time per unit of work where their
 * primary metric is a rate, and at the end the box itself.
 */
export function summarizedWorkloads(workloads: readonly Measured[]): Measured[] {
  const own = workloads.filter(({ id }) => id !== INSTANCE_WORKLOAD);
  return [...own.map(withWorkCost), instanceWorkload];
}

function withWorkCost(workload: Measured): Measured {
  const cost = workCost(workload);
  return cost ? { ...workload, metrics: [...workload.metrics, cost.metric] } : workload;
}

/**
 * CPU time of everything the box ran on the host in the timed window, emulator threads included, over the units of work
 * done in it (rate × window), in µs per unit. Null for a workload whose primary metric is not a rate.
 */
export function workCost(
  workload: Measured,
): { metric: Metric; unit: string; read: (trial: TrialRecord) => number | null } | null {
  const rate = workload.metrics.find(
    ({ primary, better, unit }) => primary && better === 'higher' && unit.endsWith('/s'),
  );
  if (!rate) return null;
  // 'events/s' → 'event', 'MiB/s' → 'MiB'.
  const unit = rate.unit.slice(0, -2).replace(/(?<=[a-z]{2})s$/, '');
  const metric: Metric = {
    name: HOST_CPU_PER_UNIT,
    unit: `CPU µs/${unit}`,
    better: 'lower',
    title: `Host CPU time per ${unit}`,
    primary: false,
  };
  const read = ({ outcome, cost, disturbance }: TrialRecord): number | null => {
    if (outcome.status !== 'completed' || !cost.run || !disturbance) return null;
    const perSecond = outcome.samples.find((sample) => sample.metric === rate.name)?.value;
    const units = ((perSecond ?? 0) * disturbance.windowMs) / 1000;
    const perUnit = (cost.run.cpuMs * 1000) / units;
    return Number.isFinite(perUnit) ? perUnit : null;
  };
  return { metric, unit, read };
}
