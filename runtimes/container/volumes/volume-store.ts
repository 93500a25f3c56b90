import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { ownFolders } from '../rootless/folders.ts';
import { removeTree } from '../rootless/remove-tree.ts';

/** Where volumes are kept; they survive their containers and reboots. */
export function volumesRoot(): string {
  return join(ownFolders().data, 'volumes');
}

const volumeSchema = z.object({
  schema: z.literal('tare.volume/1'),
  name: z.string(),
  createdAt: z.string(),
  /** Nobody named it: it belongs to the container it was made for. */
  anonymous: z.boolean(),
  labels: z.record(z.string(), z.string()).default({}),
});
export type Volume = z.infer<typeof volumeSchema> & { mountpoint: string };

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;

/** @throws BenchError `volume-name`. */
export function checkVolumeName(name: string): string {
  if (NAME.test(name)) return name;
  throw new BenchError('volume-name', `a volume cannot be called '${name}'`, {
    hint: 'letters, digits, _ . and -, beginning with a letter or digit; a folder of the host begins with / or ./',
  });
}

/** A name that nobody types: for VOLUME of an image and `-v /path`. */
export function anonymousName(): string {
  return randomBytes(32).toString('hex');
}

export function volumeFolder(name: string): string {
  return join(volumesRoot(), name, '_data');
}

/** The volume of that name; made when there is none. What is half made by a caller that died is never seen: it is renamed into place. */
export function ensureVolume(
  name: string,
  options: { anonymous?: boolean; labels?: Record<string, string> } = {},
): Volume {
  const known = findVolume(name);
  if (known) return known;
  const volume = {
    schema: 'tare.volume/1' as const,
    name: checkVolumeName(name),
    createdAt: new Date().toISOString(),
    anonymous: options.anonymous ?? false,
    labels: options.labels ?? {},
  };
  const aside = join(volumesRoot(), `.new-${randomBytes(6).toString('hex')}`);
  mkdirSync(join(aside, '_data'), { recursive: true });
  writeFileSync(join(aside, 'volume.json'), JSON.stringify(volume, null, 2));
  try {
    renameSync(aside, join(volumesRoot(), name));
  } catch (cause) {
    rmSync(aside, { recursive: true, force: true });
    const meanwhile = findVolume(name);
    if (meanwhile) return meanwhile;
    throw new BenchError('volume-create', `the volume ${name} cannot be made: ${(cause as Error).message}`, {
      cause,
    });
  }
  return { ...volume, mountpoint: volumeFolder(name) };
}

export function findVolume(name: string): Volume | undefined {
  if (!NAME.test(name)) return undefined;
  const text = readText(join(volumesRoot(), name, 'volume.json'));
  const parsed = text === undefined ? undefined : volumeSchema.safeParse(JSON.parse(text));
  return parsed?.success ? { ...parsed.data, mountpoint: volumeFolder(name) } : undefined;
}

/** @throws BenchError `volume-unknown`. */
export function needVolume(name: string): Volume {
  const found = findVolume(name);
  if (found) return found;
  throw new BenchError('volume-unknown', `there is no volume '${name}'`, {
    hint: 'bench container volume ls',
  });
}

/** All volumes, by name. */
export function listVolumes(): Volume[] {
  if (!existsSync(volumesRoot())) return [];
  return readdirSync(volumesRoot())
    .sort()
    .flatMap((name) => findVolume(name) ?? []);
}

/** Idempotent; renamed aside first, so that what was begun is never taken for a volume. */
export async function deleteVolume(name: string, cacheDir: string): Promise<void> {
  const aside = join(volumesRoot(), `.old-${randomBytes(6).toString('hex')}`);
  try {
    renameSync(join(volumesRoot(), name), aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await removeTree(aside, cacheDir);
}

/** Folders of callers that died on the way. Call under the lock that makers and removers hold. */
export async function sweepVolumes(cacheDir: string): Promise<string[]> {
  if (!existsSync(volumesRoot())) return [];
  const stale = readdirSync(volumesRoot()).filter((name) => /^\.(new|old)-[0-9a-f]{12}$/.test(name));
  // A copy from an image that was never finished (fill-volumes.ts), beside the volume's folder.
  for (const { name } of listVolumes())
    for (const entry of readdirSync(join(volumesRoot(), name))) {
      const pid = /^filling-(\d+)$/.exec(entry)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) stale.push(join(name, entry));
    }
  for (const name of stale) await removeTree(join(volumesRoot(), name), cacheDir);
  return stale.map((name) => `half a volume ${name}`);
}
