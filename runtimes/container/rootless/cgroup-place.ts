import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup, PARENT } from '../../cgroup/cgroup.ts';
import { hostLayout } from '../../cgroup/layout.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { chooseDelegation, type Delegation } from './delegation.ts';
import { hostPrivilege } from './privilege.ts';

/** A layout without any hierarchy: a cgroup of it has no folder, no limit and no process. */
export const NO_CGROUPS = { v1: {}, v2: null } as const;

let known: Delegation | null | undefined;

/** What this user was handed; null for root, to whom all belongs. */
export function ownDelegation(): Delegation | null {
  return (known ??= hostPrivilege().kind === 'root' ? null : readDelegation());
}

function readDelegation(): Delegation {
  return chooseDelegation({
    layout: hostLayout(),
    own: readText('/proc/self/cgroup') ?? '',
    writable: (folder) =>
      ['', 'cgroup.procs', 'cgroup.subtree_control'].every((file) => mayWrite(join(folder, file))),
    controllers: (folder) =>
      (readText(join(folder, 'cgroup.controllers')) ?? '').split(/\s+/).filter(Boolean),
    processes: (folder) =>
      (readText(join(folder, 'cgroup.procs')) ?? '').split('\n').filter(Boolean).map(Number),
  });
}

/** The parent of all our cgroups, below the hierarchies. */
export function cgroupParent(): string {
  const delegation = ownDelegation();
  return delegation?.kind === 'delegated' ? delegation.parent : PARENT;
}

/** A cgroup of ours, not made yet; one without folders where an ordinary user was handed none. */
export function ownCgroup(...path: string[]): Cgroup {
  const delegation = ownDelegation();
  if (delegation === null) return new Cgroup(join(PARENT, ...path));
  if (delegation.kind === 'none') return new Cgroup('', NO_CGROUPS);
  return new Cgroup(join(delegation.parent, ...path), delegation.layout);
}

/** A cgroup of a path that was kept; '' is one that was never made. */
export function keptCgroup(path: string): Cgroup {
  return path === '' ? new Cgroup('', NO_CGROUPS) : new Cgroup(path);
}

export function hasFolders(cgroup: Cgroup): boolean {
  return cgroup.folders.length > 0;
}

/** Makes it with its limits. One without folders takes no limits but a CPU set, which the scheduler's own mask serves. */
export function makeCgroup(cgroup: Cgroup, limits: CgroupLimits): void {
  const delegation = ownDelegation();
  if (hasFolders(cgroup)) {
    if (delegation?.kind === 'delegated' && delegation.move) moveCallers(delegation.move);
    cgroup.create(limits);
    return;
  }
  if (delegation?.kind !== 'none') return;
  const asked = refusedLimits(limits);
  if (asked.length > 0)
    throw new BenchError('rootless-limits', `${asked.join(', ')} cannot be limited: ${delegation.reason}`, {
      hint: delegation.remedy,
    });
}

/** The limits that only a cgroup can hold, in words. Pure. */
export function refusedLimits(limits: CgroupLimits): string[] {
  const words: [keyof CgroupLimits, string][] = [
    ['memoryBytes', 'memory'],
    ['memoryMiB', 'memory'],
    ['pids', 'the number of processes'],
    ['cpus', 'CPU time'],
    ['cpuShares', 'the share of CPU time'],
    ['blkioWeight', 'the share of block I/O'],
    ['deviceLimits', 'block I/O'],
    ['cpusetMems', 'memory nodes'],
  ];
  return words.filter(([key]) => limits[key] !== undefined).map(([, word]) => word);
}

function moveCallers({ leaf, pids }: { leaf: string; pids: number[] }): void {
  mkdirSync(leaf, { recursive: true });
  for (const pid of pids) {
    try {
      writeFileSync(join(leaf, 'cgroup.procs'), String(pid));
    } catch (error) {
      // It ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
