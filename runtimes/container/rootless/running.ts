import { readFileSync } from 'node:fs';
import type { Op } from '../../launch/ops.ts';
import { parseCpuList } from '../../cgroup/oci-resources.ts';
import { cpuMask } from '../../network/cpu-mask.ts';

/** Whether a process of a box may set its groups: not where its user namespace maps a single id. */
export function setGroupsIn(pid: number): boolean {
  return read(`/proc/${pid}/setgroups`).trim() !== 'deny';
}

/** The CPUs a box without a cgroup was given, for a program that joins it. */
export function affinityOf(pid: number): Op[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return list === undefined ? [] : [{ op: 'affinity', mask: cpuMask(parseCpuList(list)) }];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
