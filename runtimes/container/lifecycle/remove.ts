import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { removeTree } from '../rootless/remove-tree.ts';
import { deleteVolume, sweepVolumes } from '../volumes/volume-store.ts';
import { announce, containerSubject } from './events.ts';
import { locked } from './lock.ts';
import { listRecords, readRecord, strayFolders, writeRecord, type ContainerRecord } from './record.ts';
import { settleNetworks } from './settle.ts';
import { cgroupOf, containerStatus, killAll } from './status.ts';
import { waitContainer } from './wait.ts';

/**
 * Removes everything of it. Idempotent; `force` kills first. A caller that dies on the way leaves a record that says so, and
 * whoever comes next goes on.
 *
 * @throws BenchError `container-running`.
 */
export async function removeContainer(
  record: ContainerRecord,
  options: { force: boolean; volumes?: boolean },
): Promise<void> {
  const status = containerStatus(record);
  if ((status === 'running' || status === 'paused') && !options.force)
    throw new BenchError('container-running', `${record.name} is ${status}`, {
      hint: `bench container stop ${record.name}, or rm -f`,
    });
  await killAll(record);
  if (status !== 'exited') await waitContainer(record);
  await discard(record, options.volumes ?? false);
  await locked(settleNetworks);
  announce(containerSubject(record), 'destroy');
}

/** Takes away what a container has; anonymous volumes too where asked, or where it was never finished, and nobody else's. */
export async function discard(record: ContainerRecord, volumes = record.phase === 'making'): Promise<void> {
  const creator = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  if (existsSync(record.dataFolder)) writeRecord({ ...record, creator, phase: 'removing' });
  await killAll(record);
  await cgroupOf(record).destroy();
  await rm(record.stateFolder, { recursive: true, force: true });
  const anonymous = volumes || record.autoRemove ? anonymousOf(record) : [];
  for (const name of anonymous) await deleteVolume(name, record.cacheDir);
  for (const folder of ['upper', 'work', 'root', 'fill', 'etc'])
    await removeTree(join(record.dataFolder, folder), record.cacheDir);
  // The record goes last: until then somebody can find it and go on.
  await rm(record.dataFolder, { recursive: true, force: true });
}

/** Its anonymous volumes that no other container has taken over (--volumes-from). */
function anonymousOf(record: ContainerRecord): string[] {
  const others = listRecords().filter((each) => each.id !== record.id);
  return record.request.mounts
    .filter((mount) => mount.anonymous && mount.volume !== null)
    .map((mount) => mount.volume ?? '')
    .filter((name) => !others.some((each) => each.request.mounts.some((mount) => mount.volume === name)));
}

/**
 * Finishes what callers that died began, and removes containers that ended and were to be removed then (-d --rm): done by
 * whoever comes next. Returns what was removed, in words.
 */
export async function reapEnded(): Promise<string[]> {
  const removed: string[] = [];
  for (const record of listRecords()) {
    if (isAbandoned(record)) {
      await discard(record, record.phase === 'making' || record.autoRemove);
      removed.push(`container ${record.name}, left half ${record.phase === 'making' ? 'made' : 'removed'}`);
      announce(containerSubject(record), 'destroy');
    } else if (record.autoRemove && record.phase === 'made' && containerStatus(record) === 'exited') {
      // Its own caller may be about to do it: that one waits for the same end.
      if (isAlive(record.creator)) continue;
      await removeContainer(record, { force: true, volumes: true });
      removed.push(`container ${record.name}, which had ended`);
    }
  }
  if (removed.length > 0) await locked(settleNetworks);
  return removed;
}

function isAbandoned(record: ContainerRecord): boolean {
  return record.phase !== 'made' && !isAlive(record.creator);
}

function isAlive(creator: ContainerRecord['creator']): boolean {
  return processStartTime(creator.pid) === creator.startTime;
}

/** All of it for `bench clean`: also folders without a record and everything that is derived from records. */
export async function sweepContainers(cacheDir: string): Promise<string[]> {
  const removed = await reapEnded();
  return locked(async () => {
    for (const folder of strayFolders()) {
      await removeTree(folder, cacheDir);
      removed.push(`folder ${folder}`);
    }
    removed.push(...(await sweepVolumes(cacheDir)), ...(await settleNetworks()));
    return removed;
  });
}

/** The record as it is on disk, or the one in hand when it is gone. */
export function refreshed(record: ContainerRecord): ContainerRecord {
  return readRecord(record.id) ?? record;
}
