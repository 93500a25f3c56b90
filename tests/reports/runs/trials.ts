import { createHash } from 'node:crypto';
import type { Cell } from '../../../results/record/plan.ts';
import type { Sample } from '../../../results/record/metric.ts';
import type { HostCost, Outcome, TrialRecord } from '../../../results/record/trial.ts';
import type { FixtureArm } from './arms.ts';
import type { Random } from './random.ts';
import type { FixtureWorkload } from './workloads.ts';

/** How a fixture's trial ends. */
export type Fate = 'completed' | 'failed' | 'timed-out' | 'invalid' | 'aborted';

export interface TrialSeed {
  random: Random;
  round: number;
  position: number;
  cell: Cell;
  arm: FixtureArm;
  workload: FixtureWorkload;
  fate: Fate;
  offsetMs: number;
  started: number;
}

const MIB = 2 ** 20;
const round1 = (value: number): number => Math.round(value * 10) / 10;

/** One line of trials.jsonl, drawn from the seed. */
export function makeTrial(seed: TrialSeed): TrialRecord {
  const { random, round, position, cell, arm, workload, fate } = seed;
  const jitter = (level: number, share: number): number => round1(level * (1 + share * random.normal()));
  const start = jitter(arm.startMs, 0.04);
  const run = jitter(workload.planned.seconds * 1000 + 20, 0.002);
  const samples = sampleAll(seed);
  const steps = {
    start,
    inspect: jitter(arm.arm.emulated ? 310 : 12, 0.08),
    setup: jitter(workload.setupMs * (arm.arm.emulated ? 4 : 1), 0.06),
    run: fate === 'timed-out' ? 120_000 : fate === 'failed' ? 240 : run,
    teardown: jitter(arm.arm.emulated ? 24 : 5, 0.1),
    destroy: jitter(arm.destroyMs, 0.1),
  };
  const busy = run * (0.98 + 0.01 * random.next());
  const stealMs = fate === 'invalid' ? round1(run * 0.14) : round1(run * 0.002 * random.next());
  return {
    schema: 'tare.trial/1',
    trial: `r${round}-${cell.id}`,
    round,
    position,
    cell: cell.id,
    arm: cell.arm,
    workload: cell.workload,
    startedAt: new Date(seed.started + Math.round(seed.offsetMs)).toISOString(),
    offsetMs: seed.offsetMs,
    stepsMs: steps,
    outcome: outcomeOf(fate, seed, samples, stealMs / run),
    cost: { idle: idleCost(arm, start), run: fate === 'completed' ? runCost(seed, busy) : null },
    disturbance:
      fate === 'completed' || fate === 'invalid'
        ? {
            windowMs: run,
            stealMs,
            measuredBusyMs: round1(busy),
            foreignMs: round1(run * 0.004 * random.next()),
            harnessCpuMs: round1(1.4 + random.next()),
            load1: Math.round((0.9 + 0.3 * random.next()) * 100) / 100,
            cpuPressureUs: Math.round(9000 * random.next()),
            ioPressureUs: cell.workload === 'fileio' ? Math.round(400_000 * random.next()) : 0,
            memoryPressureUs: 0,
            throttledMs: arm.arm.emulated ? null : 0,
          }
        : null,
    clock:
      fate === 'completed' ? { insideMs: round1(run - 3), hostMs: run, uncertaintyMs: 6, drift: 0 } : null,
    inside: {
      nproc: 1,
      ...arm.inside,
      cpuFlagsHash: createHash('sha256').update(String(arm.cpuFlagCount)).digest('hex').slice(0, 16),
      cpuFlagCount: arm.cpuFlagCount,
      tools: { sysbench: createHash('sha256').update('sysbench').digest('hex') },
    },
    facts: Object.fromEntries(
      Object.entries(arm.facts).map(([key, value]) => [
        key,
        typeof value === 'number' ? jitter(value, 0.03) : value,
      ]),
    ),
  };
}

function sampleAll({ random, round, cell, workload }: TrialSeed): Sample[] {
  const cost = workload.cost[cell.arm] ?? 1;
  const drift = 1 + 0.001 * round;
  return workload.planned.metrics.map(({ name, unit, better }) => {
    const noise = Math.exp(workload.noise * random.normal());
    const level = workload.base[name]! * drift * noise;
    const value = better === 'higher' ? level / cost : level * cost;
    return { metric: name, unit, value: Number(value.toPrecision(6)) };
  });
}

function outcomeOf(fate: Fate, seed: TrialSeed, samples: Sample[], steal: number): Outcome {
  const log = `logs/r${seed.round}-${seed.cell.id}/run.txt`;
  switch (fate) {
    case 'completed':
      return { status: 'completed', samples };
    case 'failed':
      return {
        status: 'failed',
        step: 'run',
        code: 'tool-failed',
        message: `${seed.workload.planned.workload} said: "FATAL: Failed to fsync file! file: 14 errno = 22 (Invalid argument)"`,
        hint: 'read the log; the other cells went on',
        log,
      };
    case 'timed-out':
      return {
        status: 'timed-out',
        step: 'run',
        code: 'timed-out',
        message: `${seed.workload.planned.workload} did not end within 120 s; its last words: "iperf3: error - unable to receive control message"`,
        hint: null,
        log,
        limitMs: 120_000,
      };
    case 'invalid':
      return {
        status: 'invalid',
        reasons: [
          `steal took ${(steal * 100).toFixed(1)} % of the measured CPUs, more than the 5 % of the plan`,
        ],
        observed: samples,
      };
    case 'aborted':
      return { status: 'aborted', step: 'run', reason: 'interrupted by the user' };
  }
}

function idleCost(arm: FixtureArm, startMs: number): HostCost {
  return {
    cpuMs: round1(startMs * (arm.arm.emulated ? 0.97 : 0.4)),
    memoryPssBytes: Math.round(arm.idlePssBytes),
    memoryCgroupBytes: Math.round(arm.idlePssBytes * 1.2),
    ioReadBytes: null,
    ioWriteBytes: null,
    diskBytes: arm.idleDiskBytes === null ? null : Math.round(arm.idleDiskBytes),
  };
}

function runCost({ random, arm, workload }: TrialSeed, busyMs: number): HostCost {
  const written = Math.round(workload.writtenBytes * (0.97 + 0.06 * random.next()));
  return {
    cpuMs: round1(busyMs * (arm.arm.emulated ? 1.04 : 0.99)),
    memoryPssBytes: Math.round(arm.idlePssBytes + 9 * MIB),
    memoryCgroupBytes: Math.round(arm.idlePssBytes * 1.3 + 12 * MIB),
    ioReadBytes: null,
    ioWriteBytes: written,
    diskBytes: arm.idleDiskBytes === null ? null : Math.round(arm.idleDiskBytes + written * 0.7),
  };
}
