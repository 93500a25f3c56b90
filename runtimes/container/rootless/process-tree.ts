import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostCost } from '../../../results/record/trial.ts';
import { pssBytes } from '../../cgroup/read-cost.ts';

/** sysconf(_SC_CLK_TCK) on every architecture Linux has today. */
const TICKS_PER_SECOND = 100;

/** CPU time so far, ms. */
export interface CpuTime {
  userMs: number;
  systemMs: number;
}

/** All processes in the pid namespace of one, the caller's own user namespace being its parent's; empty when it is gone. */
export function processesWith(pid: number): number[] {
  const namespace = pidNamespace(pid);
  if (namespace === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => pidNamespace(each) === namespace);
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/**
 * CPU time in the text of /proc/<pid>/stat: its own and that of the children it waited for (fields 14–17, proc(5)). To a
 * clock tick, 10 ms. Pure.
 */
export function cpuOfStat(stat: string): CpuTime {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, waitedUser = 0, waitedSystem = 0] = fields.slice(11, 15);
  const ms = (ticks: number): number => (ticks * 1000) / TICKS_PER_SECOND;
  return { userMs: ms(user + waitedUser), systemMs: ms(system + waitedSystem) };
}

export function addCpu(a: CpuTime, b: CpuTime): CpuTime {
  return { userMs: a.userMs + b.userMs, systemMs: a.systemMs + b.systemMs };
}

/** CPU time of processes that live, and of those they waited for. */
export function cpuOf(pids: readonly number[]): CpuTime {
  return pids.reduce(
    (sum, pid) => {
      try {
        return addCpu(sum, cpuOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8')));
      } catch {
        return sum;
      }
    },
    { userMs: 0, systemMs: 0 },
  );
}

/** What a box without a cgroup costs: its processes as /proc counts them, and what ended programs were billed. */
export function costOfProcesses(
  pids: readonly number[],
  ended: CpuTime & { readBytes: number; writeBytes: number },
  diskBytes: number | null,
): HostCost {
  const cpu = addCpu(cpuOf(pids), ended);
  return {
    cpuMs: cpu.userMs + cpu.systemMs,
    cpuUserMs: cpu.userMs,
    memoryPssBytes: pssBytes([...pids]),
    memoryCgroupBytes: null,
    ioReadBytes: ended.readBytes,
    ioWriteBytes: ended.writeBytes,
    diskBytes,
  };
}
