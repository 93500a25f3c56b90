import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chainIds, type Digest } from '../format/digest.ts';
import type { ContainerUse } from '../commands/container-uses.ts';
import type { ImageStore } from './image-store.ts';
import { pinnedLayers } from './pins.ts';
import { oldestLease, withLock } from './store-lock.ts';
import { nameOf } from './tags.ts';
import { cachedLayers, dropBuildCache } from '../build/build-cache.ts';

export interface PruneReport {
  images: Digest[];
  blobs: number;
  layers: number;
  /** Bytes of blobs and of unpacked content. */
  freedBytes: number;
}

/** Interrupted downloads are kept this long for whoever still writes them without a lease. */
const PARTIAL_AGE_MS = 3600_000;

/**
 * Removes what no name leads to: nameless images, blobs of no image, unpacked layers that no image and no container uses,
 * leftovers of interrupted work. Content that came while something is being added stays.
 */
export async function pruneStore(
  store: ImageStore,
  options: { all?: boolean; buildCache?: boolean; uses?: readonly ContainerUse[] } = {},
): Promise<PruneReport> {
  return withLock(store.root, 'index', async () => {
    const before = await oldestLease(store.root);
    const now = Date.now();
    const pinned = await pinnedLayers(store.root);
    for (const { layers } of options.uses ?? []) for (const tree of layers) pinned.add(tree);
    if (options.buildCache) await dropBuildCache(store.root);
    const index = await store.tags.read();
    const images = await Promise.all(index.manifests.map((each) => store.load(each)));
    const isUsed = (chains: Digest[]): boolean =>
      chains.some((chain) => [...pinned].some((tree) => tree.includes(chain.slice('sha256:'.length, 39))));
    const kept = images.filter((image) => {
      const chains = chainIds(image.config.rootfs.diff_ids ?? []);
      return isUsed(chains.slice(-1)) || (nameOf(image.descriptor) !== undefined && !options.all);
    });
    const keptDigests = new Set(kept.map(({ descriptor }) => descriptor.digest));
    const gone = images.filter(({ descriptor }) => !keptDigests.has(descriptor.digest));
    await store.tags.write({
      ...index,
      manifests: index.manifests.filter(({ digest }) => keptDigests.has(digest)),
    });
    const cached = await cachedLayers(store.root);
    const blobs = new Set<Digest>(cached.map(({ descriptor }) => descriptor.digest));
    const chains = new Set<Digest>(cached.map(({ chainId }) => chainId));
    for (const { descriptor, manifest, config } of kept) {
      blobs.add(descriptor.digest);
      blobs.add(manifest.config.digest);
      for (const layer of manifest.layers) blobs.add(layer.digest);
      for (const chain of chainIds(config.rootfs.diff_ids ?? [])) chains.add(chain);
    }
    const report: PruneReport = {
      images: gone.map(({ descriptor }) => descriptor.digest),
      blobs: 0,
      layers: 0,
      freedBytes: 0,
    };
    for (const blob of await store.blobs.list()) {
      if (blobs.has(blob.digest) || blob.changedMs >= before) continue;
      await store.blobs.remove(blob.digest);
      report.blobs += 1;
      report.freedBytes += blob.size;
    }
    for (const layer of await store.layers.list()) {
      const used = (layer.chainId && chains.has(layer.chainId)) || pinned.has(join(layer.folder, 'tree'));
      if (used || layer.changedMs >= before) continue;
      await rm(layer.folder, { recursive: true, force: true });
      report.layers += 1;
      report.freedBytes += layer.bytes;
    }
    await store.blobs.sweepPartial(Math.min(before, now - PARTIAL_AGE_MS));
    return report;
  });
}
