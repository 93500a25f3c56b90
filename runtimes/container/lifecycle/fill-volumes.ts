import { execa } from 'execa';
import { closeSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { removeTree } from '../rootless/remove-tree.ts';
import type { ContainerMount } from '../volumes/mount.ts';
import { pathOf } from './inside.ts';
import { openImageRoot, type OpenRoot } from './open-root.ts';
import type { ContainerRecord } from './record.ts';

const COPY_LIMIT_MS = 600_000;

/**
 * Copies what the image has at their destinations into volumes that are empty. The copy is made aside and put in place at once:
 * a caller that dies on the way leaves an empty volume, which the next one fills.
 */
export async function fillVolumes(record: ContainerRecord, cacheDir: string): Promise<void> {
  const empty = record.request.mounts.filter((each) => each.copy && readdirSync(each.source).length === 0);
  if (empty.length === 0) return;
  const root = await openImageRoot(record.request.layers, join(record.dataFolder, 'fill'), cacheDir);
  try {
    for (const mount of empty) await fill(mount, root, cacheDir);
  } finally {
    await root.close();
  }
}

async function fill(mount: ContainerMount, { inside }: OpenRoot, cacheDir: string): Promise<void> {
  const found = inside.find(mount.destination, 'all');
  if (!found) return;
  const aside = join(dirname(mount.source), `filling-${process.pid}`);
  try {
    if (!found.isDirectory) return;
    mkdirSync(aside, { recursive: true });
    // The folder itself too: its owner and mode are what lets an image's user write there.
    const copied = await execa('cp', ['-a', '--', `${pathOf(found.fd)}/.`, `${aside}/.`], {
      reject: false,
      timeout: COPY_LIMIT_MS,
    });
    if (copied.exitCode !== 0)
      throw new BenchError(
        'volume-fill',
        `what the image has at ${mount.destination} cannot be copied into the volume ${mount.volume}: ${copied.stderr || copied.message}`,
        { hint: 'start with an empty volume: --mount type=volume,volume-nocopy,…' },
      );
    renameSync(aside, mount.source);
  } finally {
    closeSync(found.fd);
    await removeTree(aside, cacheDir);
  }
}
