import { TICK_MS } from './defaults.ts';

/** Where one CPU's time went since boot, ms. Guest time is already part of `user` and `nice`. */
export interface CpuTimes {
  user: number;
  nice: number;
  system: number;
  idle: number;
  iowait: number;
  irq: number;
  softirq: number;
  steal: number;
}

/** /proc/stat → times by CPU number. Kernels before 2.6.11 lack steal; a short line reads as 0 there. */
export function parseCpuTimes(stat: string): Map<number, CpuTimes> {
  const times = new Map<number, CpuTimes>();
  for (const match of stat.matchAll(/^cpu(\d+) ([\d ]+)$/gm)) {
    const ms = match[2]!.split(' ').map((ticks) => Number(ticks) * TICK_MS);
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = ms;
    times.set(Number(match[1]), { user, nice, system, idle, iowait, irq, softirq, steal });
  }
  return times;
}

/** The rise of one kind of time, summed over CPUs, ms; CPUs that came or went in between are left out. */
export function rise(
  before: Map<number, CpuTimes>,
  after: Map<number, CpuTimes>,
  cpus: readonly number[],
  kinds: readonly (keyof CpuTimes)[],
): number {
  let sum = 0;
  for (const cpu of cpus) {
    const from = before.get(cpu);
    const to = after.get(cpu);
    // iowait may fall (man 5 proc); nothing else should, and a negative rise is no evidence of anything.
    if (from && to) for (const kind of kinds) sum += Math.max(0, to[kind] - from[kind]);
  }
  return sum;
}
