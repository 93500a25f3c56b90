import type { Disturbance } from '../../results/record/trial.ts';
import { parseCpuTimes, rise, type CpuTimes } from './cpu-times.ts';
import { readText, type ReadText } from './read-text.ts';

/** What the window needs of the world; a test passes its own. */
export interface Senses {
  read: ReadText;
  /** Monotonic, ns. */
  now(): bigint;
  /** This process's own user + system time so far, µs. */
  ownCpuUs(): number;
}

const realSenses: Senses = {
  read: readText,
  now: () => process.hrtime.bigint(),
  ownCpuUs: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

/** An open timed window. `stop` does all the reading that is left, at once. */
export interface OpenWindow {
  stop(): ClosedWindow;
}

/** A closed one: turned into evidence when the instance's own CPU time is known. */
export interface ClosedWindow {
  disturbance(instanceUserMs: number, throttledMs: number | null): Disturbance;
}

interface Reading {
  at: bigint;
  ownCpuUs: number;
  cpus: Map<number, CpuTimes>;
  pressureUs: Record<'cpu' | 'io' | 'memory', number | null>;
}

/**
 * Opens the window just before the work starts. Five small synchronous reads on each side, no process, no timer in
 * between: the harness must not be what disturbs (DESIGN, fairness 5).
 */
export function beginWindow(cpuset: readonly number[], senses: Senses = realSenses): OpenWindow {
  const before = look(senses, 'clock last');
  return {
    stop() {
      const after = look(senses, 'clock first');
      const load1 = Number.parseFloat(senses.read('/proc/loadavg') ?? '');
      return {
        disturbance: (instanceUserMs, throttledMs) =>
          compare(before, after, cpuset, Number.isFinite(load1) ? load1 : 0, instanceUserMs, throttledMs),
      };
    },
  };
}

/** The clock is read at the edge that lies towards the work, so that the window holds the work and not our reading. */
function look(senses: Senses, order: 'clock first' | 'clock last'): Reading {
  const early = order === 'clock first' ? { at: senses.now(), ownCpuUs: senses.ownCpuUs() } : null;
  const cpus = parseCpuTimes(senses.read('/proc/stat') ?? '');
  const pressureUs = {
    cpu: pressureTotal(senses.read('/proc/pressure/cpu')),
    io: pressureTotal(senses.read('/proc/pressure/io')),
    memory: pressureTotal(senses.read('/proc/pressure/memory')),
  };
  const edge = early ?? { ownCpuUs: senses.ownCpuUs(), at: senses.now() };
  return { ...edge, cpus, pressureUs };
}

/** `some … total=`: µs in which at least one task waited, since boot. */
function pressureTotal(text: string | null): number | null {
  const total = /^some .*\btotal=(\d+)$/m.exec(text ?? '')?.[1];
  return total === undefined ? null : Number(total);
}

function compare(
  before: Reading,
  after: Reading,
  cpuset: readonly number[],
  load1: number,
  instanceUserMs: number,
  throttledMs: number | null,
): Disturbance {
  const user = rise(before.cpus, after.cpus, cpuset, ['user', 'nice']);
  const kernel = rise(before.cpus, after.cpus, cpuset, ['system', 'irq', 'softirq']);
  const pressure = (kind: keyof Reading['pressureUs']): number | null => {
    const from = before.pressureUs[kind];
    const to = after.pressureUs[kind];
    return from === null || to === null ? null : Math.max(0, to - from);
  };
  return {
    windowMs: Number(after.at - before.at) / 1e6,
    stealMs: rise(before.cpus, after.cpus, cpuset, ['steal']),
    measuredBusyMs: user + kernel,
    // User mode only: a file or network trial's blocks and packets are handled in interrupts and kernel threads that no
    // cgroup is charged for, while other people's work is never without user time.
    foreignMs: Math.max(0, user - instanceUserMs),
    harnessCpuMs: Math.max(0, after.ownCpuUs - before.ownCpuUs) / 1000,
    load1,
    cpuPressureUs: pressure('cpu'),
    ioPressureUs: pressure('io'),
    memoryPressureUs: pressure('memory'),
    throttledMs,
  };
}
