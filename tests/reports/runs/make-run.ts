import { createHash } from 'node:crypto';
import type { HostRecord, Machine } from '../../../results/record/host.ts';
import type { Cell, Plan } from '../../../results/record/plan.ts';
import type { TrialRecord } from '../../../results/record/trial.ts';
import { fixtureArms, type FixtureArm } from './arms.ts';
import { seededRandom } from './random.ts';
import { makeTrial, type Fate } from './trials.ts';
import { fixtureWorkloads, type FixtureWorkload } from './workloads.ts';

/** A run as the store hands it over, but for the summary. */
export interface FixtureRun {
  plan: Plan;
  host: HostRecord;
  trials: TrialRecord[];
  matrixText: string;
}

export interface FixtureOptions {
  seed: number;
  rounds: number;
  arms: FixtureArm[];
  workloads: FixtureWorkload[];
  /** What befalls single trials, by trial name; all others complete. */
  fates: Record<string, Fate>;
  /** Rounds that the disturbance rule voids for every arm. */
  voided: number[];
  name: string;
  /** When the run began, ms since 1970. */
  started: number;
}

const STARTED = Date.parse('2026-11-20T09:00:00.000Z');

export const quickOptions: FixtureOptions = {
  seed: 20_261_120,
  rounds: 10,
  arms: fixtureArms,
  workloads: fixtureWorkloads,
  fates: {
    'r2-vm-qcow2.fileio': 'failed',
    'r4-vm-raw.net': 'timed-out',
    'r5-container.memory': 'failed',
    'r8-vm-raw.cpu': 'failed',
  },
  voided: [7],
  name: 'quick',
  started: STARTED,
};

const BETWEEN_TRIALS_MS = 120;

/** A realistic run that never happened: the same options give the same bytes. */
export function makeRun(overrides: Partial<FixtureOptions> = {}): FixtureRun {
  const options = { ...quickOptions, ...overrides };
  const random = seededRandom(options.seed);
  const plan = makePlan(options);
  const trials: TrialRecord[] = [];
  let offsetMs = 800;
  plan.order.forEach((cellIds, round) => {
    cellIds.forEach((cellId, position) => {
      const cell = plan.cells.find(({ id }) => id === cellId)!;
      const trial = makeTrial({
        random,
        round,
        position,
        cell,
        arm: options.arms.find(({ arm }) => arm.id === cell.arm)!,
        workload: options.workloads.find(({ planned }) => planned.id === cell.workload)!,
        fate:
          options.fates[`r${round}-${cellId}`] ?? (options.voided.includes(round) ? 'invalid' : 'completed'),
        offsetMs,
        started: options.started,
      });
      offsetMs += Object.values(trial.stepsMs).reduce((sum, ms) => sum + ms, 0) + BETWEEN_TRIALS_MS;
      offsetMs = Math.round(offsetMs * 10) / 10;
      trials.push(trial);
    });
  });
  return { plan, host: makeHost(options.started, offsetMs), trials, matrixText: matrixText(options) };
}

function makePlan(options: FixtureOptions): Plan {
  const random = seededRandom(options.seed ^ 0x5bd1e995);
  const cells: Cell[] = options.workloads.flatMap(({ planned }) =>
    options.arms.map(({ arm }) => ({ id: `${arm.id}.${planned.id}`, arm: arm.id, workload: planned.id })),
  );
  const order = Array.from({ length: options.rounds }, () => random.shuffle(cells.map(({ id }) => id)));
  const hash = createHash('sha256')
    .update(JSON.stringify([cells, order, options.seed]))
    .digest('hex');
  return {
    schema: 'tare.plan/1',
    runId: `20261120-090000-${options.name}-${hash.slice(0, 6)}`,
    tareVersion: '0.1.0',
    createdAt: new Date(options.started).toISOString(),
    name: options.name,
    title: 'Native, container and two VMs: CPU, memory, file I/O, network',
    command: `bench run --matrix ${options.name} --seed ${options.seed}`,
    seed: String(options.seed),
    hash,
    baseline: options.arms[0]!.arm.id,
    resources: { cpus: 1, memoryMiB: 512, cpuset: [1], housekeeping: [0] },
    arms: options.arms.map(({ arm }) => arm),
    workloads: options.workloads.map(({ planned }) => planned),
    cells,
    rounds: options.rounds,
    order,
    policy: {
      margin: 0.01,
      confidence: 0.95,
      trialTimeoutS: 120,
      maxStealShare: 0.05,
      maxClockDrift: 0.02,
      maxForeignCpuShare: 0.1,
      refuseParityMismatch: false,
    },
    image: {
      digest: createHash('sha256').update('fixture image').digest('hex'),
      suite: 'bookworm',
      packages: { sysbench: '1.0.20+ds-5', iperf3: '3.12-1+deb12u1', iperf: '2.1.8+dfsg-1' },
    },
  };
}

function makeMachine(takenAtMs: number, load1: number, freeMiB: number): Machine {
  return {
    takenAt: new Date(takenAtMs).toISOString(),
    fingerprint: createHash('sha256').update('fixture machine').digest('hex'),
    system: {
      cpuModel: 'Intel Xeon Processor (Skylake, IBRS)',
      cpuCores: 2,
      memoryMiB: 24105,
      memoryFreeMiB: freeMiB,
      distribution: 'Debian GNU/Linux 12',
      kernel: '6.18.0',
      hypervisor: 'KVM',
      governor: null,
      cgroup: 'hybrid',
      transparentHugepages: 'madvise',
    },
    load1,
  };
}

function makeHost(started: number, lengthMs: number): HostRecord {
  return {
    schema: 'tare.host/1',
    before: makeMachine(started - 900, 0.21, 22_871),
    after: makeMachine(started + lengthMs, 1.08, 22_640),
    tools: { qemu: '7.2.15', node: '20.20.2', mmdebstrap: '1.3.5', mke2fs: '1.47.0' },
    accelerator: {
      asked: 'auto',
      got: 'tcg',
      reason: 'the probe guest died on KVM within 3 s: "KVM internal error. Suberror: 1"',
    },
  };
}

function matrixText(options: FixtureOptions): string {
  return [
    `# ${options.name}: the built-in matrix, as a user would write it`,
    `name: ${options.name}`,
    `seed: ${options.seed}`,
    `rounds: ${options.rounds}`,
    'resources: { cpus: 1, memoryMiB: 512 }',
    'runtimes:',
    ...options.arms.map(({ arm }) => `  - id: ${arm.id}\n    runtime: ${arm.runtime}`),
    'workloads:',
    ...options.workloads.map(({ planned }) => `  - id: ${planned.id}\n    workload: ${planned.workload}`),
    '',
  ].join('\n');
}
