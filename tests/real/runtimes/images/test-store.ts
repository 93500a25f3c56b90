import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../../../runtimes/container/images/format/digest.ts';
import { OCI_LAYER, OCI_LAYER_GZIP } from '../../../../runtimes/container/images/format/media-types.ts';
import type { LayerRecord } from '../../../../runtimes/container/images/layer/record.ts';
import { scanTree } from '../../../../runtimes/container/images/native/layer-tool.ts';
import {
  openImageStore,
  type ImageStore,
  type StoredImage,
} from '../../../../runtimes/container/images/store/image-store.ts';

/** Compiled programs are kept between runs, as in the field. */
export const CACHE = process.env.TARE_CACHE ?? '/var/cache/tare';

/** A folder of the test's own and a store in it; both are gone when the work is done. */
export async function withStore<T>(work: (store: ImageStore, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tare-images-'));
  try {
    return await work(await openImageStore(CACHE, join(folder, 'store')), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An image of the given layers (plain tar archives). */
export async function imageOf(
  store: ImageStore,
  name: string,
  archives: Buffer[],
  packed = true,
): Promise<StoredImage> {
  const layers = [];
  for (const archive of archives) {
    const blob = await store.blobs.put(packed ? gzipSync(archive) : archive);
    layers.push({ mediaType: packed ? OCI_LAYER_GZIP : OCI_LAYER, ...blob });
  }
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers' as const, diff_ids: archives.map((archive) => digestOf(archive)) },
  };
  return store.add(config, layers, name);
}

/** What overlayfs shows of layer directories, lowest first, as a listing. */
export async function mergedListing(
  store: ImageStore,
  layers: string[],
  scratch: string,
): Promise<LayerRecord[]> {
  const tool = await store.layerTool();
  const [only] = layers;
  if (layers.length === 1 && only) return scanTree(tool, only);
  const target = join(scratch, `merged-${Math.random().toString(36).slice(2)}`);
  mkdirSync(target);
  execFileSync('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `ro,lowerdir=${[...layers].reverse().join(':')}`,
    target,
  ]);
  try {
    return await scanTree(tool, target);
  } finally {
    execFileSync('umount', [target]);
  }
}
