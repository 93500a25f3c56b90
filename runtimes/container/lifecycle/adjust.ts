import { BenchError } from '../../../results/bench-error.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { raiseSwapFirst } from '../../cgroup/raise-limits.ts';
import { processTable } from '../oci/process-table.ts';
import { hasFolders, refusedLimits } from '../rootless/cgroup-place.ts';
import { processesWith } from '../rootless/process-tree.ts';
import { checkName } from './create.ts';
import { announce, containerSubject } from './events.ts';
import { locked } from './lock.ts';
import { listRecords, readRecord, writeRecord, type ContainerRecord } from './record.ts';
import { settleNetworks } from './settle.ts';
import { cgroupOf, containerStatus } from './status.ts';

/** Another name, also for others on its network. @throws BenchError `container-name`. */
export async function renameContainer(record: ContainerRecord, name: string): Promise<void> {
  await locked(async () => {
    const others = listRecords().filter((each) => each.id !== record.id);
    checkName(name, others);
    writeRecord({ ...(readRecord(record.id) ?? record), name });
    await settleNetworks();
  });
  announce(containerSubject({ ...record, name }), 'rename', { oldName: record.name });
}

/**
 * Changes limits, at once and for when it is started again. What was limited before and is not named stays so.
 *
 * @throws BenchError `update-nothing`, `cgroup-limit`, `rootless-limits`.
 */
export async function updateContainer(record: ContainerRecord, limits: CgroupLimits): Promise<string[]> {
  if (Object.keys(limits).length === 0)
    throw new BenchError('update-nothing', 'no limit was named', {
      hint: 'bench container update -m 512m --cpus 1.5 NAME',
    });
  const cgroup = cgroupOf(record);
  if (containerStatus(record) !== 'exited') {
    if (!hasFolders(cgroup) && refusedLimits(limits).length > 0)
      throw new BenchError('rootless-limits', `${record.name} has no cgroup that could hold limits`);
    raiseSwapFirst(cgroup, limits);
    cgroup.setLimits(limits);
  }
  await locked(async () => {
    const now = readRecord(record.id) ?? record;
    writeRecord({ ...now, request: { ...now.request, limits: { ...now.request.limits, ...limits } } });
    return Promise.resolve();
  });
  announce(containerSubject(record), 'update');
  return cgroup.notes;
}

/** Its processes, as the host's `ps` shows them. @throws BenchError `container-not-running`. */
export async function containerProcesses(
  record: ContainerRecord,
  psOptions: readonly string[],
): Promise<string> {
  const status = containerStatus(record);
  if (status !== 'running' && status !== 'paused')
    throw new BenchError('container-not-running', `${record.name} is ${status}, not running`);
  const cgroup = cgroupOf(record);
  const pids = hasFolders(cgroup) ? cgroup.pids() : processesWith(record.pid);
  return (await processTable(pids, psOptions)).trimEnd();
}
