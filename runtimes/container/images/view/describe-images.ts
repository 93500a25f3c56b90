import { chainIds } from '../format/digest.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { familiarName } from '../reference.ts';

/** An image as `bench image ls --json` prints it. */
export interface ImageRow {
  repository: string;
  tag: string;
  /** Digest of the config: what docker calls the image id. */
  id: string;
  digest: string;
  created: string | null;
  /** Bytes of content when unpacked; of the layers as stored while it is not. */
  sizeBytes: number;
  unpacked: boolean;
}

export async function imageRows(store: ImageStore): Promise<ImageRow[]> {
  const images = await store.list();
  const rows = await Promise.all(images.map((image) => imageRow(store, image)));
  return rows.sort((a, b) => (b.created ?? '').localeCompare(a.created ?? ''));
}

export async function imageRow(store: ImageStore, image: StoredImage): Promise<ImageRow> {
  const sizes = await layerSizes(store, image);
  const unpacked = sizes.every(({ unpackedBytes }) => unpackedBytes !== null);
  const name = image.name === undefined ? undefined : familiarName(image.name);
  const colon = name?.lastIndexOf(':') ?? -1;
  return {
    repository: name?.slice(0, colon) ?? '<none>',
    tag: name?.slice(colon + 1) ?? '<none>',
    id: image.manifest.config.digest,
    digest: image.descriptor.digest,
    created: image.config.created ?? null,
    sizeBytes: sizes.reduce(
      (sum, each) => sum + ((unpacked ? each.unpackedBytes : null) ?? each.storedBytes),
      0,
    ),
    unpacked,
  };
}

export interface LayerSize {
  digest: string;
  storedBytes: number;
  /** Content of the layer's files; null while it is not unpacked. */
  unpackedBytes: number | null;
}

export async function layerSizes(store: ImageStore, image: StoredImage): Promise<LayerSize[]> {
  const chains = chainIds(image.config.rootfs.diff_ids ?? []);
  return Promise.all(
    image.manifest.layers.map(async ({ digest, size }, index) => {
      const facts = await store.layers.find(chains[index] ?? digest);
      return { digest, storedBytes: size, unpackedBytes: facts?.bytes ?? null };
    }),
  );
}

/** A step of an image's history with what it added, newest first, as `docker history`. */
export interface HistoryRow {
  created: string | null;
  createdBy: string;
  comment: string;
  sizeBytes: number;
}

export async function historyRows(store: ImageStore, image: StoredImage): Promise<HistoryRow[]> {
  const sizes = await layerSizes(store, image);
  let layer = 0;
  return (image.config.history ?? [])
    .map((step) => {
      const size = step.empty_layer ? undefined : sizes[layer++];
      return {
        created: step.created ?? null,
        createdBy: step.created_by ?? '',
        comment: step.comment ?? '',
        sizeBytes: size?.unpackedBytes ?? size?.storedBytes ?? 0,
      };
    })
    .reverse();
}

/** All that is known of an image, for `inspect`. */
export async function inspection(store: ImageStore, image: StoredImage): Promise<Record<string, unknown>> {
  const row = await imageRow(store, image);
  const names = (await store.list()).filter((each) => each.descriptor.digest === image.descriptor.digest);
  return {
    id: row.id,
    digest: row.digest,
    names: names.flatMap(({ name }) => name ?? []),
    created: row.created,
    author: image.config.author,
    architecture: image.config.architecture,
    os: image.config.os,
    config: image.config.config,
    rootfs: image.config.rootfs,
    sizeBytes: row.sizeBytes,
    unpacked: row.unpacked,
    layers: await layerSizes(store, image),
    annotations: image.manifest.annotations,
  };
}
