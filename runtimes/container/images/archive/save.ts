import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BenchError } from '../../../../results/bench-error.ts';
import { rawFromText } from '../tar/entry.ts';
import { TAR_END, tarHead, tarPadding } from '../tar/writer.ts';
import { decompress, MAGIC_BYTES, packingOf } from '../layer/decompress.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { familiarName } from '../reference.ts';
import { REF_NAME } from '../store/tags.ts';
import { OCI_INDEX } from '../format/media-types.ts';

export type ArchiveFormat = 'oci-archive' | 'docker-archive';

/** Writes images into an archive file that `docker load`, skopeo and podman take. Nothing is left behind when it fails. */
export async function saveArchive(
  store: ImageStore,
  images: StoredImage[],
  file: string,
  format: ArchiveFormat,
): Promise<void> {
  const aside = `${file}.${process.pid}.part`;
  try {
    const out = createWriteStream(aside, { flags: 'wx' });
    await writeArchive(store, images, out, format);
    await rename(aside, file);
  } catch (cause) {
    if (cause instanceof BenchError) throw cause;
    throw new BenchError('image-save', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  } finally {
    await rm(aside, { force: true });
  }
}

/** The same into any stream (stdout). */
export async function writeArchive(
  store: ImageStore,
  images: StoredImage[],
  out: Writable,
  format: ArchiveFormat,
): Promise<void> {
  await pipeline(format === 'oci-archive' ? ociBytes(store, images) : dockerBytes(store, images), out);
}

async function* ociBytes(store: ImageStore, images: StoredImage[]): AsyncIterable<Buffer> {
  yield* fileMember('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  const manifests = images.map(({ descriptor, name }) => ({
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    annotations:
      name === undefined ? undefined : { [REF_NAME]: tagOf(name), 'io.containerd.image.name': name },
  }));
  yield* fileMember(
    'index.json',
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })),
  );
  const written = new Set<string>();
  for (const { descriptor, manifest } of images)
    for (const blob of [descriptor, manifest.config, ...manifest.layers]) {
      if (written.has(blob.digest)) continue;
      written.add(blob.digest);
      yield* storedMember(store, `blobs/sha256/${hex(blob.digest)}`, blob.digest);
    }
  yield TAR_END;
}

/** docker save's format: layers uncompressed and named by their diffID, since docker load wants to hash them itself. */
async function* dockerBytes(store: ImageStore, images: StoredImage[]): AsyncIterable<Buffer> {
  const written = new Set<string>();
  const entries = [];
  for (const { manifest, config, name } of images) {
    const diffIds = config.rootfs.diff_ids ?? [];
    const layers: string[] = [];
    for (const [index, layer] of manifest.layers.entries()) {
      const path = `${hex(diffIds[index] ?? '')}.tar`;
      layers.push(path);
      if (written.has(path)) continue;
      written.add(path);
      yield* plainLayer(store, path, layer.digest);
    }
    const configPath = `${hex(manifest.config.digest)}.json`;
    if (!written.has(configPath)) {
      written.add(configPath);
      yield* storedMember(store, configPath, manifest.config.digest);
    }
    entries.push({
      Config: configPath,
      RepoTags: name === undefined ? null : [familiarName(name)],
      Layers: layers,
    });
  }
  yield* fileMember('manifest.json', Buffer.from(JSON.stringify(entries)));
  yield TAR_END;
}

async function* plainLayer(store: ImageStore, path: string, digest: string): AsyncIterable<Buffer> {
  const blob = store.blobs.path(digest);
  const handle = await open(blob, 'r');
  const head = Buffer.alloc(MAGIC_BYTES);
  await handle.read(head, 0, MAGIC_BYTES, 0);
  await handle.close();
  const packing = packingOf(head);
  // Two passes: a tar header states the size in front, and only decompressing tells it.
  let size = 0;
  for await (const chunk of decompress(createReadStream(blob), packing, digest)) size += chunk.length;
  yield header(path, size);
  for await (const chunk of decompress(createReadStream(blob), packing, digest)) yield chunk;
  yield tarPadding(size);
}

async function* storedMember(store: ImageStore, path: string, digest: string): AsyncIterable<Buffer> {
  const size = await store.blobs.size(digest);
  yield header(path, size);
  for await (const chunk of store.blobs.stream(digest)) yield chunk as Buffer;
  yield tarPadding(size);
}

function* fileMember(path: string, bytes: Buffer): Iterable<Buffer> {
  yield header(path, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}

function header(path: string, size: number): Buffer {
  return tarHead({
    type: 'file',
    path: rawFromText(path),
    linkTarget: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 0,
    size,
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    segments: null,
  });
}

function hex(digest: string): string {
  return digest.slice('sha256:'.length);
}

function tagOf(name: string): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(colon + 1) : 'latest';
}
