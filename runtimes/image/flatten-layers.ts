import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { RuntimeContext } from '../contract.ts';
import { CLONE, MS } from '../launch/constants.ts';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';

const COPY_TIMEOUT_MS = 10 * 60_000;

/**
 * Layers (lowest first) as one tree, for those who cannot stack: a chroot and a VM's disk. Merged by overlayfs itself, in
 * a mount namespace that ends with the copying, so that the result is what a container of the image would see.
 *
 * @throws BenchError `image-flatten` with cp's words; `launch-failed` when the layers cannot be mounted.
 */
export async function flattenLayers(
  layers: readonly string[],
  target: string,
  { cacheDir, scratchDir, signal }: Pick<RuntimeContext, 'cacheDir' | 'scratchDir' | 'signal'>,
): Promise<void> {
  if (layers.length === 0) return;
  await mkdir(scratchDir, { recursive: true });
  const folder = await mkdtemp(join(scratchDir, 'flatten-'));
  try {
    const empty = join(folder, 'empty');
    const merged = join(folder, 'merged');
    await mkdir(empty);
    await mkdir(merged);
    // overlayfs wants two layers at least when there is none to write to.
    const lower = [...layers].reverse().concat(layers.length === 1 ? [empty] : []);
    const result = await runPlan({
      launcher: await ensureLauncher(cacheDir),
      plan: [
        diesWithUs(),
        { op: 'session' },
        { op: 'unshare', flags: CLONE.NEWNS },
        { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
        {
          op: 'mount',
          source: 'overlay',
          target: merged,
          type: 'overlay',
          flags: MS.RDONLY | MS.NODEV,
          data: `lowerdir=${lower.join(':')}`,
          follow: 1,
        },
        { op: 'close-fds', from: 3, keepSlot: -1 },
        {
          op: 'exec',
          argv: ['cp', '-a', '--reflink=auto', `${merged}/.`, `${target}/`],
          env: ['PATH=/usr/bin:/bin', 'LC_ALL=C'],
          search: 1,
        },
      ],
      timeoutMs: COPY_TIMEOUT_MS,
      signal,
    });
    if (result.exitCode !== 0)
      throw new BenchError(
        'image-flatten',
        `the image's layers could not be copied: ${result.stderr.trim()}`,
        {
          hint: 'is there room on the disk of the cache?',
        },
      );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
