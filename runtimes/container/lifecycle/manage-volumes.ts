import { BenchError } from '../../../results/bench-error.ts';
import { diskUsage } from '../disk-usage.ts';
import { textTable } from '../images/view/human.ts';
import {
  anonymousName,
  checkVolumeName,
  deleteVolume,
  ensureVolume,
  listVolumes,
  needVolume,
  type Volume,
} from '../volumes/volume-store.ts';
import { announce } from './events.ts';
import { locked } from './lock.ts';
import { listRecords } from './record.ts';

/** What `volume inspect` prints. */
export interface VolumeView extends Volume {
  sizeBytes: number;
  containers: string[];
}

/** One that exists already is handed back, as Docker does. */
export async function createVolume(
  name: string | undefined,
  labels: Record<string, string>,
): Promise<Volume> {
  const volume = await locked(() =>
    Promise.resolve(
      ensureVolume(checkVolumeName(name ?? anonymousName()), { anonymous: name === undefined, labels }),
    ),
  );
  announce({ type: 'volume', id: volume.name, name: volume.name }, 'create');
  return volume;
}

/** @throws BenchError `volume-unknown`, `volume-busy`. */
export async function removeVolume(
  name: string,
  options: { force: boolean; cacheDir: string },
): Promise<void> {
  const known = listVolumes().some((each) => each.name === name);
  if (!known && options.force) return;
  needVolume(name);
  await locked(async () => {
    const users = usersOf(name);
    if (users.length > 0)
      throw new BenchError('volume-busy', `the volume ${name} is used by ${users.join(', ')}`, {
        hint: `bench container rm -f ${users.join(' ')}`,
      });
    await deleteVolume(name, options.cacheDir);
  });
  announce({ type: 'volume', id: name, name }, 'destroy');
}

/** Removes volumes that no container has: those without a name, with `all` also those with one. Hands back what and how much. */
export async function pruneVolumes(
  all: boolean,
  cacheDir: string,
): Promise<{ removed: string[]; freedBytes: number }> {
  const unused = listVolumes().filter((each) => (all || each.anonymous) && usersOf(each.name).length === 0);
  let freedBytes = 0;
  for (const each of unused) {
    freedBytes += diskUsage(each.mountpoint);
    await removeVolume(each.name, { force: true, cacheDir });
  }
  return { removed: unused.map((each) => each.name), freedBytes };
}

export function inspectVolume(name: string): VolumeView {
  const volume = needVolume(name);
  return { ...volume, sizeBytes: diskUsage(volume.mountpoint), containers: usersOf(name) };
}

export function volumeTable(volumes: readonly Volume[] = listVolumes()): string {
  const rows = volumes.map((each) => [each.name, usersOf(each.name).join(', '), each.mountpoint]);
  return textTable([['NAME', 'USED BY', 'MOUNTPOINT'], ...rows]);
}

function usersOf(name: string): string[] {
  return listRecords()
    .filter((each) => each.request.mounts.some((mount) => mount.volume === name))
    .map((each) => each.name);
}
