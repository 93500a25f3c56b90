import { REGISTRY_PARALLEL } from '../defaults.ts';
import type { Descriptor } from '../format/descriptor.ts';
import type { Digest } from '../format/digest.ts';
import type { Reference } from '../reference.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { inParallel } from './in-parallel.ts';
import type { Registry } from './registry.ts';

/** Sends an image: what the registry lacks of its blobs, then the manifest, so that a tag never points at a half image. */
export async function pushImage(
  store: ImageStore,
  registry: Registry,
  image: StoredImage,
  reference: Reference,
  say: (line: string) => void = () => undefined,
): Promise<Digest> {
  const { repository } = reference;
  const queue = new Map<Digest, Descriptor>();
  for (const blob of [...image.manifest.layers, image.manifest.config]) queue.set(blob.digest, blob);
  await inParallel([...queue.values()], REGISTRY_PARALLEL, async (blob) => {
    const { digest, size } = blob;
    const short = digest.slice('sha256:'.length, 'sha256:'.length + 12);
    if (await registry.hasBlob(repository, digest)) {
      say(`${short} is there already`);
      return;
    }
    await registry.putBlob(repository, blob, () => store.blobs.stream(digest));
    say(`${short} ${size} bytes`);
  });
  const bytes = await store.blobs.read(image.descriptor.digest, 'manifest');
  await registry.putManifest(
    repository,
    reference.tag ?? image.descriptor.digest,
    image.descriptor.mediaType,
    bytes,
  );
  return image.descriptor.digest;
}
