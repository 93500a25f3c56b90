import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { runTool } from '../run-tool.ts';

/** A thread of QEMU and the CPUs it is to run on. */
export interface Pin {
  tid: number;
  cpus: readonly number[];
}

/**
 * vCPU threads one to one on the measured CPUs; every other thread of the emulator off them, where the machine has CPUs
 * to spare. With fewer measured CPUs than vCPUs they are shared in turn (the matrix refuses that earlier).
 */
export function pinPlan(
  vcpuTids: readonly number[],
  allTids: readonly number[],
  cpuset: readonly number[],
  housekeeping: readonly number[],
): Pin[] {
  const others = housekeeping.length > 0 ? housekeeping : cpuset;
  if (cpuset.length === 0) return [];
  return [
    ...vcpuTids.map((tid, index) => ({ tid, cpus: [cpuset[index % cpuset.length] ?? 0] })),
    ...allTids.filter((tid) => !vcpuTids.includes(tid)).map((tid) => ({ tid, cpus: others })),
  ];
}

export function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

/**
 * Kernel threads that carry a VM's network for it (vhost-net). Kernels from 6.4 make them threads of QEMU, which
 * `threadsOf` finds; before, they are processes of their own that are named after it and inherit nothing from it.
 */
export function vhostThreads(pid: number, proc = '/proc'): number[] {
  const found: number[] = [];
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`${proc}/${name}/comm`, 'utf8').trim() === `vhost-${pid}`) found.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** "0-1,3" as /proc/<pid>/status and taskset write it → [0, 1, 3]. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** CPUs a thread may run on, from /proc; undefined when it is gone. */
export function allowedCpus(pid: number, tid: number): number[] | undefined {
  try {
    // A kernel thread that works for QEMU is a process of its own.
    const own = `/proc/${pid}/task/${tid}/status`;
    const status = readFileSync(existsSync(own) ? own : `/proc/${tid}/status`, 'utf8');
    return parseCpuList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '');
  } catch {
    return undefined;
  }
}

/**
 * Pins and then believes only /proc. Worker threads that come later are children of pinned ones and inherit; one that
 * ended meanwhile needs no place.
 *
 * @throws BenchError `vm-pinning` when a thread is not where it should be.
 */
export async function pinThreads(
  pid: number,
  vcpuTids: readonly number[],
  pins: readonly Pin[],
): Promise<void> {
  const wrong = pins.filter(({ tid, cpus }) => !sameCpus(allowedCpus(pid, tid), cpus));
  if (wrong.length > 0) {
    const script = wrong.map(({ tid, cpus }) => `taskset -pc ${cpus.join(',')} ${tid}`).join('; ');
    await runTool(['sh', '-c', `${script}; true`]);
  }
  for (const { tid, cpus } of pins) {
    const vcpu = vcpuTids.includes(tid);
    const now = allowedCpus(pid, tid);
    if (sameCpus(now, cpus) || (now === undefined && !vcpu)) continue;
    throw new BenchError(
      'vm-pinning',
      `${vcpu ? 'vCPU' : "QEMU's"} thread ${tid} may run on CPUs ${now?.join(',') ?? '(gone)'} instead of ${cpus.join(',')}`,
    );
  }
}

function sameCpus(now: readonly number[] | undefined, wanted: readonly number[]): boolean {
  return now?.length === wanted.length && wanted.every((cpu) => now.includes(cpu));
}
