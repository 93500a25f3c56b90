import { BenchError } from '../../../../results/bench-error.ts';
import { REGISTRY_PARALLEL } from '../defaults.ts';
import type { Descriptor, Platform } from '../format/descriptor.ts';
import { checked, parseJson, parseManifest, requireLayers } from '../format/manifest.ts';
import { imageConfigSchema } from '../format/config.ts';
import { fullName, type Reference } from '../reference.ts';
import type { BlobWriter } from '../store/blobs.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { choosePlatform } from './platform.ts';
import { inParallel } from './in-parallel.ts';
import type { Registry } from './registry.ts';
import { Transient, withRetries, type RetryPolicy } from './retry.ts';

export interface PullOptions {
  platform?: Platform;
  signal?: AbortSignal;
  retry?: RetryPolicy;
  say?(line: string): void;
}

/** Fetches an image into the store and names it. Every blob gets its place only after its digest was right. */
export async function pullImage(
  store: ImageStore,
  registry: Registry,
  reference: Reference,
  options: PullOptions = {},
): Promise<StoredImage> {
  const what = fullName(reference);
  return store.adding(async () => {
    let answer = await registry.manifest(reference.repository, reference.digest ?? reference.tag ?? 'latest');
    let document = parseManifest(answer.bytes, answer.mediaType, what);
    if (document.kind === 'index') {
      const chosen = choosePlatform(document.index, what, options.platform);
      answer = await registry.manifest(reference.repository, chosen.digest);
      document = parseManifest(answer.bytes, chosen.mediaType, what);
    }
    if (document.kind !== 'manifest')
      throw new BenchError('image-manifest', `${what}: an index inside an index leads nowhere`);
    const { manifest, mediaType } = document;
    const layers = requireLayers(manifest, what);
    // The config first: a broken image is refused before its layers are fetched.
    await fetchBlob(store, registry, reference, manifest.config, options);
    checked(
      imageConfigSchema,
      parseJson(await store.blobs.read(manifest.config.digest, what), what),
      `${what}, config`,
    );
    const wanted = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    await inParallel(wanted, REGISTRY_PARALLEL, (layer) =>
      fetchBlob(store, registry, reference, layer, options),
    );
    await store.blobs.put(answer.bytes, { digest: answer.digest });
    const { registry: host, repository, tag } = reference;
    const name =
      tag === undefined ? undefined : fullName({ registry: host, repository, tag, digest: undefined });
    return store.name({ mediaType, digest: answer.digest, size: answer.bytes.length }, name);
  });
}

/** One blob; an interrupted transfer goes on where it stopped. */
async function fetchBlob(
  store: ImageStore,
  registry: Registry,
  reference: Reference,
  blob: Descriptor,
  options: PullOptions,
): Promise<void> {
  const short = blob.digest.slice('sha256:'.length, 'sha256:'.length + 12);
  if (await store.blobs.has(blob.digest)) {
    options.say?.(`${short} is here already`);
    return;
  }
  const writer = await store.blobs.writer();
  try {
    await withRetries(() => receive(writer, registry, reference, blob), options.retry, options.signal);
    await writer.commit(blob, `${fullName(reference)}, ${blob.digest}`);
    options.say?.(`${short} ${blob.size} bytes`);
  } finally {
    await writer.discard();
  }
}

async function receive(
  writer: BlobWriter,
  registry: Registry,
  reference: Reference,
  blob: Descriptor,
): Promise<void> {
  if (writer.size === blob.size && blob.size > 0) return;
  const { stream, restarted } = await registry.blob(reference.repository, blob.digest, writer.size);
  if (restarted) await writer.restart();
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      if (writer.size + bytes.length > blob.size)
        throw new BenchError('image-size', `${blob.digest}: is longer than the ${blob.size} bytes promised`);
      await writer.write(bytes);
    }
  } catch (error) {
    // `aborted` has no code of its own in some Nodes, but always means a cut connection.
    if (error instanceof Error && error.message === 'aborted')
      throw new Transient('the connection was cut', { cause: error });
    throw error;
  } finally {
    stream.destroy();
  }
  if (writer.size < blob.size)
    throw new Transient(`the connection was cut after ${writer.size} of ${blob.size} bytes`);
}
