import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCpuTimes, rise, type CpuTimes } from './cpu-times.ts';
import { BUSY_LOAD_PER_CPU, BUSY_PROCESS_SHARE, QUIET_WATCH_MS, TICK_MS } from './defaults.ts';
import { readText, type ReadText } from './read-text.ts';

/** One look at who has used the CPUs so far. */
export interface BusyLook {
  atMs: number;
  load1: number;
  cpus: Map<number, CpuTimes>;
  /** pid → name and CPU time so far. */
  processes: Map<number, { name: string; cpuMs: number }>;
}

/** Busy processes named in a warning. */
const NAMED = 3;

/**
 * Is the machine quiet before a run? Watches it for half a second and says in words what is not; empty when all is still.
 * A warning, never a refusal: each trial carries its own evidence.
 */
export async function quietWarnings(cpus: readonly number[]): Promise<string[]> {
  const before = lookAround(readText);
  await sleep(QUIET_WATCH_MS);
  return judgeQuiet(before, lookAround(readText), cpus, process.pid);
}

/** The warnings between two looks; pure. */
export function judgeQuiet(
  before: BusyLook,
  after: BusyLook,
  cpus: readonly number[],
  ownPid: number,
): string[] {
  const warnings: string[] = [];
  const wallMs = after.atMs - before.atMs;
  if (after.load1 / Math.max(1, after.cpus.size) > BUSY_LOAD_PER_CPU)
    warnings.push(`the machine is not quiet: load ${after.load1.toFixed(2)} on ${after.cpus.size} CPUs`);
  const stealMs = rise(before.cpus, after.cpus, cpus, ['steal']);
  if (stealMs > TICK_MS * cpus.length)
    warnings.push(
      `the hypervisor took ${percent(stealMs / (wallMs * cpus.length))} of the measured CPUs (steal) while nothing ran`,
    );
  const busy = [...after.processes].flatMap(([pid, { name, cpuMs }]) => {
    const share = (cpuMs - (before.processes.get(pid)?.cpuMs ?? 0)) / wallMs;
    return pid !== ownPid && share > BUSY_PROCESS_SHARE ? [{ pid, name, share }] : [];
  });
  if (busy.length > 0) {
    const named = busy
      .sort((a, b) => b.share - a.share)
      .slice(0, NAMED)
      .map(({ pid, name, share }) => `${name} (pid ${pid}, ${percent(share)} of a CPU)`);
    const more = busy.length > NAMED ? ` and ${busy.length - NAMED} more` : '';
    warnings.push(`busy now: ${named.join(', ')}${more}`);
  }
  return warnings;
}

/** Reads every process once; a few ms on a small machine, so only ever before or after a run. */
export function lookAround(read: ReadText): BusyLook {
  const processes: BusyLook['processes'] = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const found = parseProcessStat(read(`/proc/${entry}/stat`) ?? '');
    if (found) processes.set(Number(entry), found);
  }
  return {
    atMs: performance.now(),
    load1: Number.parseFloat(read('/proc/loadavg') ?? '') || 0,
    cpus: parseCpuTimes(read('/proc/stat') ?? ''),
    processes,
  };
}

/** /proc/PID/stat: the name may hold spaces and brackets, so fields are counted from the last ')'. utime and stime are 14 and 15. */
export function parseProcessStat(stat: string): { name: string; cpuMs: number } | null {
  const close = stat.lastIndexOf(')');
  const open = stat.indexOf('(');
  if (open < 0 || close < open) return null;
  const fields = stat.slice(close + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? { name: stat.slice(open + 1, close), cpuMs: ticks * TICK_MS } : null;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
