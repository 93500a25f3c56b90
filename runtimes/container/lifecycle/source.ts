import { openImageStore } from '../images/store/image-store.ts';
import { findImage } from '../../image/ensure-image.ts';
import { BenchError } from '../../../results/bench-error.ts';
import type { Source } from './run-request.ts';

/** The guest image of the benchmark, by this name. */
export const GUEST_IMAGE = 'tare/guest';

/** An image's layers, unpacked, and its configuration. `tare/guest` is the tree that every arm is measured on. */
export async function openSource(name: string, cacheDir: string, signal?: AbortSignal): Promise<Source> {
  if (name === GUEST_IMAGE) {
    const image = await findImage(cacheDir);
    if (!image)
      throw new BenchError('image-missing', 'the guest image has not been built', { hint: 'bench setup' });
    return { name, layers: [image.rootfs], config: {} };
  }
  const store = await openImageStore(cacheDir);
  const unpacked = await store.unpack(await store.get(name), signal);
  return { name, layers: unpacked.layers, config: unpacked.config.config ?? {} };
}
