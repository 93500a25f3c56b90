import { join } from 'node:path';
import type { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { keptCgroup } from '../rootless/cgroup-place.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { statusOf, type ContainerRecord, type ContainerStatus } from './record.ts';

export function cgroupOf(record: ContainerRecord): Cgroup {
  return keptCgroup(record.cgroup);
}

/** Everything in it. Without a cgroup its first process is enough: with that goes the whole pid namespace. */
export async function killAll(record: ContainerRecord): Promise<void> {
  await cgroupOf(record).killAll();
  if (record.pid > 0 && processStartTime(record.pid) === record.startTime)
    process.kill(record.pid, 'SIGKILL');
}

/** What the kernel says of it now. */
export function containerStatus(record: ContainerRecord): ContainerStatus {
  return statusOf(record, isFrozen);
}

function isFrozen(record: ContainerRecord): boolean {
  const cgroup = cgroupOf(record);
  const folder = cgroup.folder('freezer') ?? '';
  const unified = isUnified(cgroup.layout);
  const text = readText(join(folder, unified ? 'cgroup.freeze' : 'freezer.state'))?.trim();
  return text === (unified ? '1' : 'FROZEN');
}
