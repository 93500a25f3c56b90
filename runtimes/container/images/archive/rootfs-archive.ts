import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { BenchError } from '../../../../results/bench-error.ts';
import { hostArchitecture, type ImageConfig, type ProcessConfig } from '../format/config.ts';
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../format/media-types.ts';
import { decompress, MAGIC_BYTES, packingOf, type Packing } from '../layer/decompress.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';

const LAYER_TYPES: Partial<Record<Packing, string>> = {
  none: OCI_LAYER,
  gzip: OCI_LAYER_GZIP,
  zstd: OCI_LAYER_ZSTD,
};

export interface RootfsImport {
  file: string;
  name: string | undefined;
  /** Applied to the empty config (`--change`). */
  process?: ProcessConfig;
  message?: string;
  /** Time of the image; passed in so that the same tarball can give the same digest. */
  created: string;
  signal?: AbortSignal;
}

/** An image of one layer from a root filesystem tarball (as `docker import`). The layer is stored as it came, if layers may be so packed. */
export async function importRootfs(store: ImageStore, request: RootfsImport): Promise<StoredImage> {
  const packing = await packingOfFile(request.file);
  return store.adding(async () => {
    const source = createReadStream(request.file, { highWaterMark: 1024 * 1024, signal: request.signal });
    const mediaType = LAYER_TYPES[packing];
    const blob = await store.blobs.receive(
      mediaType === undefined ? decompress(source, packing, request.file) : source,
    );
    const layer = await store.layers.adopt({
      file: store.blobs.path(blob.digest),
      what: request.file,
      digest: blob.digest,
      signal: request.signal,
    });
    const config: ImageConfig = {
      created: request.created,
      architecture: hostArchitecture(),
      os: 'linux',
      config: request.process ?? {},
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      history: [
        { created: request.created, comment: request.message ?? `Imported from ${baseName(request.file)}` },
      ],
    };
    return store.add(config, [{ mediaType: mediaType ?? OCI_LAYER, ...blob }], request.name);
  });
}

export async function packingOfFile(file: string): Promise<Packing> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new BenchError('image-file', `cannot read ${file}`, { cause, hint: 'does it exist?' });
  });
  try {
    const head = Buffer.alloc(MAGIC_BYTES);
    await handle.read(head, 0, MAGIC_BYTES, 0);
    return packingOf(head);
  } finally {
    await handle.close();
  }
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
