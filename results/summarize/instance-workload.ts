import type { Metric } from '../record/metric.ts';
import type { TrialRecord } from '../record/trial.ts';
import { medianOfSorted } from '../statistics/theil-sen.ts';
import type { Observation } from '../statistics/series.ts';

/** The id under which the box's own costs stand beside the workloads. */
export const INSTANCE_WORKLOAD = 'instance';

type Reading = (trial: TrialRecord) => number | null | undefined;

const MIB = 2 ** 20;

/** Every cost of a box with where it is read; null or undefined: this box has no such cost, or it was not read. */
const COSTS: [metric: Metric, read: Reading][] = [
  [cost('startup', 'ms', 'Start to first command', true), ({ stepsMs }) => stepsMs.start],
  [cost('memory_pss', 'MiB', 'Memory when idle (PSS)', true), ({ cost }) => mib(cost.idle?.memoryPssBytes)],
  [
    cost('host_cpu_per_window', 'CPU s/s', 'Host CPU time per second of work'),
    ({ cost, disturbance }) =>
      cost.run && disturbance && disturbance.windowMs > 0 ? cost.run.cpuMs / disturbance.windowMs : null,
  ],
  [cost('startup_cpu', 'CPU ms', 'Host CPU time for the start'), ({ cost }) => cost.idle?.cpuMs],
  [cost('start_process', 'ms', 'Of the start: QEMU until its monitor answers'), fact('startProcessMs')],
  [cost('start_firmware', 'ms', 'Of the start: firmware and boot loader'), fact('startFirmwareMs')],
  [cost('start_kernel', 'ms', 'Of the start: kernel'), fact('startKernelMs')],
  [
    cost('start_userspace', 'ms', 'Of the start: from init to the root file system'),
    sum(fact('startModulesMs'), fact('startRootMs')),
  ],
  [cost('start_system', 'ms', "Of the start: a disk image's own init"), fact('startUserspaceMs')],
  [cost('start_restore', 'ms', 'Of the start: reading the saved state'), fact('startRestoreMs')],
  [cost('state_save', 'ms', 'Saving the state of a booted machine'), fact('savedSaveMs')],
  [cost('pause', 'ms', 'Pause'), fact('pauseMs')],
  [cost('resume', 'ms', 'Resume'), fact('resumeMs')],
  [cost('removal', 'ms', 'Removal'), ({ stepsMs }) => stepsMs.destroy],
  [
    cost('guest_memory', 'MiB', 'Memory in use in the idle guest, by its own kernel'),
    fact('guestMemoryUsedMiB'),
  ],
  [
    cost('memory_charged', 'MiB', 'Memory charged by the cgroup when idle, page cache included'),
    ({ cost }) => mib(cost.idle?.memoryCgroupBytes),
  ],
  [cost('disk_idle', 'MiB', 'Disk when idle'), ({ cost }) => mib(cost.idle?.diskBytes)],
  [
    cost('disk_growth', 'MiB', 'Disk: growth over the timed window'),
    ({ cost }) => difference(mib(cost.run?.diskBytes), mib(cost.idle?.diskBytes)),
  ],
];

/** For pages: what the box itself costs, whatever runs in it. */
export const instanceWorkload: { id: string; label: string; metrics: Metric[] } = {
  id: INSTANCE_WORKLOAD,
  label: 'The box itself',
  metrics: COSTS.map(([metric]) => metric),
};

/** What one trial tells of its box: every cost that it has, once. */
export function instanceReadings(trial: TrialRecord): { metric: Metric; value: number }[] {
  return COSTS.flatMap(([metric, read]) => {
    const value = read(trial);
    return typeof value === 'number' ? [{ metric, value }] : [];
  });
}

/**
 * Observations of the box itself: per round and arm the median over that round's valid trials, because every trial of an
 * arm starts the same kind of box, whatever it runs, and the round is the unit of replication.
 */
export function instanceObservations(trials: readonly TrialRecord[]): Observation[] {
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of trials) {
    const key = `${trial.round} ${trial.arm}`;
    const group = groups.get(key);
    if (group) group.push(trial);
    else groups.set(key, [trial]);
  }
  return COSTS.flatMap(([metric, read]) =>
    [...groups.values()].flatMap((group): Observation[] => {
      const values = group.map(read).filter((value) => typeof value === 'number');
      if (values.length === 0) return [];
      const { round, arm } = group[0]!;
      const { name, unit, better } = metric;
      const value = medianOfSorted(values.sort((a, b) => a - b));
      return [{ round, arm, workload: INSTANCE_WORKLOAD, metric: name, value, unit, better }];
    }),
  );
}

function cost(name: string, unit: string, title: string, primary = false): Metric {
  return { name, unit, better: 'lower', title, primary };
}

function fact(name: string): Reading {
  return ({ facts }) => (typeof facts[name] === 'number' ? facts[name] : null);
}

function sum(first: Reading, second: Reading): Reading {
  return (trial) => {
    const [a, b] = [first(trial), second(trial)];
    return typeof a === 'number' && typeof b === 'number' ? a + b : null;
  };
}

function mib(bytes: number | null | undefined): number | null {
  return typeof bytes === 'number' ? bytes / MIB : null;
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}
