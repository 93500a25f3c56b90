import { availableParallelism, totalmem } from 'node:os';
import { parseCpuList } from './cpu-list.ts';
import { readText, type ReadText } from './read-text.ts';

/** What this process may use of the machine: what a matrix can ask for. */
export interface HostLimits {
  /** Host CPU numbers, rising. */
  cpus: number[];
  memoryMiB: number;
}

/**
 * CPUs from this process's own affinity (a cpuset or taskset narrows it), memory from /proc/meminfo and from the memory
 * limit of the cgroup it runs in, v2 or v1.
 */
export function hostLimits(read: ReadText = readText): HostLimits {
  const allowed = /^Cpus_allowed_list:\s*(\S*)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  const listed = allowed === undefined ? null : parseCpuList(allowed);
  const cpus =
    listed && listed.length > 0 ? listed : Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
  const totalKiB = Number(/^MemTotal:\s*(\d+) kB$/m.exec(read('/proc/meminfo') ?? '')?.[1]);
  const totalBytes = Number.isFinite(totalKiB) ? totalKiB * 1024 : totalmem();
  return { cpus, memoryMiB: Math.floor(Math.min(totalBytes, cgroupLimitBytes(read)) / 1024 ** 2) };
}

function cgroupLimitBytes(read: ReadText): number {
  const limits = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined) return [];
    if (controllers === '') return [read(`/sys/fs/cgroup${path}/memory.max`)];
    if (!controllers.split(',').includes('memory')) return [];
    return [read(`/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`)];
  });
  const bytes = limits.filter((limit) => limit !== null && /^\d+$/.test(limit)).map(Number);
  return Math.min(Infinity, ...bytes);
}
