import type { Disturbance } from '../../results/record/trial.ts';
import { parseCpuTimes, rise, type CpuTimes } from './cpu-times.ts';
import { readText, type ReadText } from './read-text.ts';
import { thermalEvents, throttledByOthersMs, throttleFiles } from './throttling.ts';

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
  runQueuePerCpu: number | null;
  thermalEvents: number | null;
  runThrottledMs: number | null;
}

/**
 * Opens the window just before the work starts. A handful of small synchronous reads on each side, no process, no timer
 * in between: the harness must not be what disturbs (DESIGN, fairness 5).
 */
export function beginWindow(cpuset: readonly number[], senses: Senses = realSenses): OpenWindow {
  const files = throttleFiles(senses.read);
  const before = look(senses, cpuset, files, 'clock last');
  return {
    stop() {
      const after = look(senses, cpuset, files, 'clock first');
      const load1 = Number.parseFloat(senses.read('/proc/loadavg') ?? '');
      return {
        disturbance: (instanceUserMs, throttledMs) =>
          compare(before, after, cpuset, Number.isFinite(load1) ? load1 : 0, instanceUserMs, throttledMs),
      };
    },
  };
}

/** The clock is read at the edge that lies towards the work, so that the window holds the work and not our reading. */
function look(
  senses: Senses,
  cpuset: readonly number[],
  throttleFiles: readonly string[],
  order: 'clock first' | 'clock last',
): Reading {
  const early = order === 'clock first' ? { at: senses.now(), ownCpuUs: senses.ownCpuUs() } : null;
  const stat = senses.read('/proc/stat') ?? '';
  const cpus = parseCpuTimes(stat);
  const pressureUs = {
    cpu: pressureTotal(senses.read('/proc/pressure/cpu')),
    io: pressureTotal(senses.read('/proc/pressure/io')),
    memory: pressureTotal(senses.read('/proc/pressure/memory')),
  };
  const evidence = {
    ...{ cpus, pressureUs, runQueuePerCpu: runQueuePerCpu(stat, cpus.size) },
    thermalEvents: thermalEvents(senses.read, cpuset),
    runThrottledMs: throttledByOthersMs(senses.read, throttleFiles),
  };
  const edge = early ?? { ownCpuUs: senses.ownCpuUs(), at: senses.now() };
  return { ...edge, ...evidence };
}

/**
 * Tasks ready to run, but for this one that asks, over the CPUs of the machine. At the edges of a window the box rests, so
 * these are other people's. Null where the kernel does not say.
 */
function runQueuePerCpu(stat: string, cpus: number): number | null {
  const running = /^procs_running (\d+)$/m.exec(stat)?.[1];
  return running === undefined || cpus === 0 ? null : Math.max(0, Number(running) - 1) / cpus;
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
    return both(before.pressureUs[kind], after.pressureUs[kind], risen);
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
    // The smaller of the two: a task that was there at one edge only may have run for a moment.
    runQueuePerCpu: both(before.runQueuePerCpu, after.runQueuePerCpu, Math.min),
    thermalEvents: both(before.thermalEvents, after.thermalEvents, risen),
    runThrottledMs: both(before.runThrottledMs, after.runThrottledMs, risen),
  };
}

function both(
  before: number | null,
  after: number | null,
  join: (before: number, after: number) => number,
): number | null {
  return before === null || after === null ? null : join(before, after);
}

function risen(before: number, after: number): number {
  return Math.max(0, after - before);
}
