import type { Arm, Plan } from '../../results/record/plan.ts';
import type { Outcome, TrialRecord } from '../../results/record/trial.ts';

/** A small plan for tests: arms × workloads `cpu` (events/s) and `disk` (ms), every cell once a round, in plan order. */
export function planFixture(
  options: { rounds?: number; arms?: Partial<Arm>[]; published?: string[] } = {},
): Plan {
  const { rounds = 8, published = [] } = options;
  const arms = (
    options.arms ?? [
      { id: 'native', runtime: 'native' },
      { id: 'vm', runtime: 'qemu' },
    ]
  ).map((arm): Arm => ({
    id: 'native',
    label: arm.id ?? 'native',
    runtime: 'native',
    options: {},
    caveats: [],
    emulated: false,
    ...arm,
  }));
  const workload = (
    id: string,
    metric: Plan['workloads'][number]['metrics'][number],
  ): Plan['workloads'][number] => ({
    id,
    label: id,
    workload: `sysbench-${id}`,
    options: {},
    metrics: [metric],
    caveats: [],
    seconds: 1,
    published,
  });
  const workloads = [
    workload('cpu', { name: 'rate', unit: 'events/s', better: 'higher', title: 'Events', primary: true }),
    workload('disk', { name: 'latency', unit: 'ms', better: 'lower', title: 'Latency', primary: true }),
  ];
  const cells = workloads.flatMap(({ id }) =>
    arms.map((arm) => ({ id: `${id}.${arm.id}`, arm: arm.id, workload: id })),
  );
  return {
    schema: 'tare.plan/1',
    runId: '2026-01-02-fixture',
    tareVersion: '0.1.0',
    createdAt: '2026-01-02T03:04:05Z',
    name: 'fixture',
    title: 'A fixture',
    command: 'bench run --matrix fixture.yaml --seed s',
    seed: 's',
    hash: 'h',
    baseline: arms[0]?.id ?? 'native',
    resources: { cpus: 1, memoryMiB: 512, cpuset: [1], housekeeping: [0] },
    arms,
    workloads,
    cells,
    rounds,
    order: Array.from({ length: rounds }, (_, r) => {
      const ids = cells.map((cell) => cell.id);
      return r % 2 === 0 ? ids : ids.reverse();
    }),
    policy: {
      margin: 0.01,
      confidence: 0.95,
      trialTimeoutS: 60,
      maxStealShare: 0.05,
      maxClockDrift: 0.02,
      maxForeignCpuShare: 0.1,
      refuseParityMismatch: false,
    },
    image: null,
  };
}

/** One trial of the fixture's plan; `value` is its one sample unless `outcome` says otherwise. */
export function trialFixture(
  plan: Plan,
  round: number,
  cellId: string,
  value: number,
  more: Partial<TrialRecord> = {},
): TrialRecord {
  const cell = plan.cells.find(({ id }) => id === cellId);
  const metric = plan.workloads.find(({ id }) => id === cell?.workload)?.metrics[0];
  if (!cell || !metric) throw new Error(`the fixture has no cell ${cellId}`);
  const outcome: Outcome = {
    status: 'completed',
    samples: [{ metric: metric.name, unit: metric.unit, value }],
  };
  return {
    schema: 'tare.trial/1',
    trial: `r${round}-${cellId}`,
    round,
    position: plan.order[round]?.indexOf(cellId) ?? 0,
    cell: cellId,
    arm: cell.arm,
    workload: cell.workload,
    startedAt: '2026-01-02T03:04:05Z',
    offsetMs: round * 1000,
    stepsMs: { start: cell.arm === 'native' ? 2 : 300, run: 1000 },
    outcome,
    cost: {
      idle: {
        cpuMs: 1,
        memoryPssBytes: (cell.arm === 'native' ? 8 : 96) * 2 ** 20,
        memoryCgroupBytes: null,
        ioReadBytes: null,
        ioWriteBytes: null,
        diskBytes: null,
      },
      run: {
        cpuMs: 1010 + round,
        memoryPssBytes: null,
        memoryCgroupBytes: null,
        ioReadBytes: null,
        ioWriteBytes: null,
        diskBytes: null,
      },
    },
    disturbance: {
      windowMs: 1000,
      stealMs: 0,
      measuredBusyMs: 1000,
      foreignMs: 0,
      harnessCpuMs: 1,
      load1: 1,
      cpuPressureUs: null,
      ioPressureUs: null,
      memoryPressureUs: null,
      throttledMs: null,
    },
    clock: null,
    inside: {
      nproc: 1,
      memTotalMiB: cell.arm === 'native' ? 16000 : 470,
      cpuModel: 'A CPU',
      cpuFlagsHash: 'abcdef0123456789',
      cpuFlagCount: 100,
      clocksource: 'tsc',
      virtualization: cell.arm === 'native' ? 'none' : 'kvm',
      kernel: '6.1.0',
      memoryLimitMiB: cell.arm === 'native' ? 512 : null,
      tools: { sysbench: 'aaaaaaaaaaaaaaaa' },
    },
    facts: {},
    ...more,
  };
}

/** All trials of a plan with values from a function of round, arm and workload. */
export function trialsFixture(
  plan: Plan,
  value: (round: number, arm: string, workload: string) => number,
): TrialRecord[] {
  return plan.order.flatMap((cells, round) =>
    cells.map((id) => {
      const cell = plan.cells.find((one) => one.id === id);
      return trialFixture(plan, round, id, value(round, cell?.arm ?? '', cell?.workload ?? ''));
    }),
  );
}
