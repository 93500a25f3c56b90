import type { Metric } from '../record/metric.ts';
import type { TrialRecord } from '../record/trial.ts';
import { medianOfSorted } from '../statistics/theil-sen.ts';
import type { Observation } from '../statistics/series.ts';

/** The id under which the box's own costs stand beside the workloads. */
export const INSTANCE_WORKLOAD = 'instance';

/** For pages: what the box itself costs, whatever runs in it. */
export const instanceWorkload: { id: string; label: string; metrics: Metric[] } = {
  id: INSTANCE_WORKLOAD,
  label: 'The box itself',
  metrics: [
    { name: 'startup', unit: 'ms', better: 'lower', title: 'Start to first command', primary: true },
    { name: 'memory_pss', unit: 'MiB', better: 'lower', title: 'Memory when idle (PSS)', primary: true },
    {
      name: 'host_cpu_per_window',
      unit: 'CPU s/s',
      better: 'lower',
      title: 'Host CPU time per second of work',
      primary: false,
    },
  ],
};

const readings: Record<string, (trial: TrialRecord) => number | null | undefined> = {
  startup: (trial) => trial.stepsMs.start,
  memory_pss: ({ cost }) =>
    cost.idle?.memoryPssBytes === null || cost.idle === null ? null : cost.idle.memoryPssBytes / 2 ** 20,
  host_cpu_per_window: ({ cost, disturbance }) =>
    cost.run && disturbance && disturbance.windowMs > 0 ? cost.run.cpuMs / disturbance.windowMs : null,
};

/**
 * Observations of the box itself: per round and arm the median over that round's valid trials, because every trial of an
 * arm starts the same kind of box, whatever it runs, and the round is the unit of replication.
 */
export function instanceObservations(trials: readonly TrialRecord[]): Observation[] {
  const observations: Observation[] = [];
  for (const metric of instanceWorkload.metrics) {
    const groups = new Map<string, { round: number; arm: string; values: number[] }>();
    for (const trial of trials) {
      const value = readings[metric.name]?.(trial);
      if (value === null || value === undefined) continue;
      const key = `${trial.round} ${trial.arm}`;
      const group = groups.get(key);
      if (group) group.values.push(value);
      else groups.set(key, { round: trial.round, arm: trial.arm, values: [value] });
    }
    for (const { round, arm, values } of groups.values())
      observations.push({
        round,
        arm,
        workload: INSTANCE_WORKLOAD,
        metric: metric.name,
        value: medianOfSorted(values.sort((a, b) => a - b)),
        unit: metric.unit,
        better: metric.better,
      });
  }
  return observations;
}
