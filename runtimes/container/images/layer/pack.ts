import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { BenchError } from '../../../../results/bench-error.ts';
import { CHUNK_BYTES, GZIP_LEVEL } from '../defaults.ts';
import type { Descriptor } from '../format/descriptor.ts';
import type { Digest } from '../format/digest.ts';
import { OCI_LAYER_GZIP } from '../format/media-types.ts';
import type { Blobs } from '../store/blobs.ts';
import type { Segment } from '../tar/entry.ts';
import { dataLengthOf, TAR_END, tarHead, tarPadding, type TarMember } from '../tar/writer.ts';

/** A member of a layer that is being made, and the file on the host its content comes from. */
export interface PackItem {
  member: TarMember;
  /** Host path, as bytes; null when there is no content. */
  content: Buffer | null;
  /** Where in that file it begins, when the file is an archive: its data lies there without gaps. */
  contentOffset?: number;
}

export interface PackedLayer {
  descriptor: Descriptor;
  diffId: Digest;
}

/** Writes a layer into the store, gzipped. The same items give the same bytes, so the same digest. */
export async function packLayer(
  blobs: Blobs,
  items: Iterable<PackItem> | AsyncIterable<PackItem>,
  signal?: AbortSignal,
): Promise<PackedLayer> {
  const inner = createHash('sha256');
  async function* hashed(): AsyncIterable<Buffer> {
    for await (const chunk of tarBytes(items)) {
      signal?.throwIfAborted();
      inner.update(chunk);
      yield chunk;
    }
  }
  const source = Readable.from(gathered(hashed()), { objectMode: false });
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 256 * 1024 });
  const stored = await blobs.receive(
    pipeline(source, gzip, () => undefined),
    {},
    'new layer',
  );
  return {
    descriptor: { mediaType: OCI_LAYER_GZIP, ...stored },
    diffId: 'sha256:' + inner.digest('hex'),
  };
}

/** The archive, uncompressed. */
export async function* tarBytes(items: Iterable<PackItem> | AsyncIterable<PackItem>): AsyncIterable<Buffer> {
  for await (const { member, content, contentOffset } of items) {
    yield tarHead(member);
    if (member.type !== 'file') continue;
    const length = dataLengthOf(member);
    if (length > 0) {
      if (!content) throw new Error(`no content for ${member.path}`);
      yield* fileBytes(
        content,
        contentOffset === undefined ? placesOf(member) : [{ offset: contentOffset, length }],
      );
    }
    yield tarPadding(length);
  }
  yield TAR_END;
}

function placesOf(member: TarMember): Segment[] {
  return member.segments ?? [{ offset: 0, length: member.size }];
}

/** A file's data, without its holes. It must stay as long as it was when it was listed. */
async function* fileBytes(path: Buffer, places: Segment[]): AsyncIterable<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (const { offset, length } of places) {
      for (let at = 0; at < length;) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
        if (bytesRead === 0)
          throw new BenchError('image-file-changed', `${path.toString()} became shorter while it was packed`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    }
  } finally {
    await file.close();
  }
}

/** Joins small pieces: a stream step for each 512-byte header would cost more than the compression. */
async function* gathered(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < 256 * 1024) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}
