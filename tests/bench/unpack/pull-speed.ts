import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { importRootfs } from '../../../runtimes/container/images/archive/rootfs-archive.ts';
import { parseReference } from '../../../runtimes/container/images/reference.ts';
import { pullImage } from '../../../runtimes/container/images/registry/pull.ts';
import { pushImage } from '../../../runtimes/container/images/registry/push.ts';
import { Registry } from '../../../runtimes/container/images/registry/registry.ts';
import { openImageStore } from '../../../runtimes/container/images/store/image-store.ts';
import { startRegistry } from '../../real/runtimes/images/docker-registry.ts';
import { quantile } from '../quantile.ts';

/**
 * Pulling from Debian's docker-registry on the loopback into a fresh store (hashed, flushed to the disk), beside `dd` of the same
 * blob with the same flush, in turn: MB/s of each.
 */
export async function pullSpeed(
  cache: string,
  folder: string,
  archive: string,
  turns: number,
): Promise<void> {
  const registry = await startRegistry(folder);
  try {
    const from = await openImageStore(cache, join(folder, 'from'));
    const image = await importRootfs(from, { file: archive, name: 'big', created: new Date().toISOString() });
    const reference = parseReference(`${registry.name}/big:latest`);
    await pushImage(from, new Registry(reference.registry), image, reference);
    const [layer] = image.manifest.layers;
    if (!layer) throw new Error('the image has no layer');
    const blob = from.blobs.path(layer.digest);
    const megabytes = statSync(blob).size / 1e6;
    const pulls: number[] = [];
    const copies: number[] = [];
    for (let turn = -1; turn < turns; turn++) {
      const at = join(folder, `pulled-${turn + 1}`);
      const store = await openImageStore(cache, at);
      const pulled = await timed(() => pullImage(store, new Registry(reference.registry), reference));
      const copy = join(folder, 'copy');
      const copied = await timed(() =>
        execFileSync('dd', [`if=${blob}`, `of=${copy}`, 'bs=1M', 'conv=fsync'], { stdio: 'ignore' }),
      );
      rmSync(copy);
      rmSync(at, { recursive: true });
      execFileSync('sync', ['-f', folder]);
      if (turn < 0) continue;
      pulls.push(megabytes / pulled);
      copies.push(megabytes / copied);
    }
    const ratio = pulls.map((each, index) => each / (copies[index] ?? NaN));
    console.log(
      `pull of ${megabytes.toFixed(0)} MB: ${quantile(pulls, 0.5).toFixed(0)} MB/s, dd conv=fsync ${quantile(copies, 0.5).toFixed(0)} MB/s, median ratio ${quantile(ratio, 0.5).toFixed(2)} (n = ${turns})`,
    );
  } finally {
    await registry.stop();
  }
}

/** Seconds. */
async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
