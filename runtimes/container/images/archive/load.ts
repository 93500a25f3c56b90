import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';
import { imageConfigSchema } from '../format/config.ts';
import { digestOf, verifyDigest, type Digest } from '../format/digest.ts';
import type { Descriptor } from '../format/descriptor.ts';
import { checked, indexSchema, parseJson, parseManifest } from '../format/manifest.ts';
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER, OCI_LAYER_ZSTD } from '../format/media-types.ts';
import { decompress, MAGIC_BYTES, packingOf } from '../layer/decompress.ts';
import { choosePlatform } from '../registry/platform.ts';
import { fullName, parseReference } from '../reference.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { REF_NAME } from '../store/tags.ts';
import { withArchive, type ArchiveFiles } from './archive-files.ts';

/** manifest.json of `docker save`. */
const dockerManifestSchema = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).max(500),
    }),
  )
  .min(1)
  .max(1000);

/**
 * Loads an archive: an OCI image layout in a tar, or `docker save`'s format (newer Dockers write both into one; the OCI part
 * is taken then, since its manifests keep their digests). Returns every image that was in it.
 */
export async function loadArchive(store: ImageStore, file: string): Promise<StoredImage[]> {
  return store.adding(() =>
    withArchive(file, store.root, async (files) => {
      if (files.path('index.json') !== undefined) return loadOci(store, files, file);
      if (files.path('manifest.json') !== undefined) return loadDocker(store, files, file);
      throw new BenchError('image-archive', `${file}: has neither index.json nor manifest.json`, {
        hint: 'a root filesystem tarball goes through bench image import',
      });
    }),
  );
}

async function loadOci(store: ImageStore, files: ArchiveFiles, file: string): Promise<StoredImage[]> {
  const index = checked(indexSchema, parseJson(await files.read('index.json'), file), `${file}, index.json`);
  const names = await dockerNames(files, file);
  const loaded: StoredImage[] = [];
  for (const entry of index.manifests) {
    const descriptor = await storeImage(store, files, entry, file);
    const stated = entry.annotations?.['io.containerd.image.name'] ?? entry.annotations?.[REF_NAME];
    const { manifest } = await store.load(descriptor);
    loaded.push(await store.name(descriptor, nameInArchive(stated) ?? names.get(manifest.config.digest)));
  }
  return loaded;
}

/** Copies a manifest and all it points at into the store; of an index, the image for this machine. */
async function storeImage(
  store: ImageStore,
  files: ArchiveFiles,
  entry: Descriptor,
  file: string,
): Promise<Descriptor> {
  const bytes = await files.read(blobName(entry.digest));
  verifyDigest(`${file}, manifest`, entry.digest, digestOf(bytes));
  const document = parseManifest(bytes, entry.mediaType, file);
  if (document.kind === 'index') return storeImage(store, files, choosePlatform(document.index, file), file);
  await store.blobs.put(bytes, { digest: entry.digest });
  for (const part of [document.manifest.config, ...document.manifest.layers]) {
    const path = files.path(blobName(part.digest));
    if (path === undefined) {
      if (await store.blobs.has(part.digest)) continue;
      throw new BenchError('image-archive', `${file}: lacks the blob ${part.digest}`);
    }
    await store.blobs.receive(createReadStream(path), part, `${file}, ${part.digest}`);
  }
  return { mediaType: document.mediaType, digest: entry.digest, size: bytes.length };
}

async function loadDocker(store: ImageStore, files: ArchiveFiles, file: string): Promise<StoredImage[]> {
  const manifest = checked(
    dockerManifestSchema,
    parseJson(await files.read('manifest.json'), file),
    `${file}, manifest.json`,
  );
  const loaded: StoredImage[] = [];
  for (const image of manifest) {
    const configBytes = await files.read(image.Config);
    const config = checked(imageConfigSchema, parseJson(configBytes, file), `${file}, ${image.Config}`);
    const diffIds = config.rootfs.diff_ids ?? [];
    if (diffIds.length !== image.Layers.length)
      throw new BenchError('image-archive', `${file}: config and manifest count different layers`);
    const layers: Descriptor[] = [];
    for (const [index, name] of image.Layers.entries()) {
      const path = files.path(name);
      if (path === undefined) throw new BenchError('image-archive', `${file}: lacks the layer '${name}'`);
      layers.push(await storeLayer(store, path, diffIds[index] ?? '', `${file}, ${name}`));
    }
    const [first, ...others] = image.RepoTags ?? [];
    // The config's bytes are kept as they are: its digest is the image id that docker shows.
    const blob = await store.blobs.put(configBytes);
    const stored = await store.addRaw({ mediaType: OCI_CONFIG, ...blob }, layers, first);
    loaded.push(stored);
    for (const other of others) loaded.push(await store.name(stored.descriptor, other));
  }
  return loaded;
}

/** A layer out of a docker archive: named nowhere, so its decompressed bytes must hash to the config's diffID. */
async function storeLayer(
  store: ImageStore,
  path: string,
  diffId: Digest,
  what: string,
): Promise<Descriptor> {
  const handle = await open(path, 'r');
  const head = Buffer.alloc(MAGIC_BYTES);
  await handle.read(head, 0, MAGIC_BYTES, 0);
  await handle.close();
  const packing = packingOf(head);
  const hash = createHash('sha256');
  for await (const chunk of decompress(createReadStream(path), packing, what)) hash.update(chunk);
  verifyDigest(what, diffId, 'sha256:' + hash.digest('hex'));
  const blob = await store.blobs.receive(createReadStream(path));
  const mediaType = packing === 'gzip' ? OCI_LAYER_GZIP : packing === 'zstd' ? OCI_LAYER_ZSTD : OCI_LAYER;
  return { mediaType, ...blob };
}

/** Config digest → name: `docker save` of an OCI-storing Docker states the tags in manifest.json only. */
async function dockerNames(files: ArchiveFiles, file: string): Promise<Map<Digest, string>> {
  const names = new Map<Digest, string>();
  if (files.path('manifest.json') === undefined) return names;
  const parsed = dockerManifestSchema.safeParse(parseJson(await files.read('manifest.json'), file));
  for (const image of parsed.data ?? [])
    for (const tag of (image.RepoTags ?? []).slice(0, 1)) {
      const config = /([0-9a-f]{64})/.exec(image.Config)?.[1];
      if (config) names.set(`sha256:${config}`, tag);
    }
  return names;
}

/** skopeo and umoci write a bare tag ("latest") as the name, which names nothing by itself. */
function nameInArchive(stated: string | undefined): string | undefined {
  if (stated === undefined || !/[/:]/.test(stated)) return undefined;
  try {
    return fullName(parseReference(stated));
  } catch {
    return undefined;
  }
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}
