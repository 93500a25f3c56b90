import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { LAYER_LIMITS, CHUNK_BYTES, type LayerLimits } from '../defaults.ts';
import { DigestStream, verifyDigest, type Digest } from '../format/digest.ts';
import { LayerApplier, type UnprivilegedUnpack } from '../native/layer-tool.ts';
import type { RawName } from '../tar/entry.ts';
import { TarReader } from '../tar/reader.ts';
import { decompress, MAGIC_BYTES, packingOf } from './decompress.ts';
import type { DirectoryXattrs, LowerView } from './lower-view.ts';
import { LayerPlanner } from './planner.ts';
import { BLANK_RECORD, encodeRecord, type LayerRecord } from './record.ts';

export interface UnpackRequest {
  /** The layer's blob. */
  file: string;
  /** For messages: 'layer sha256:…'. */
  what: string;
  /** What the blob's bytes must hash to; null when nobody promised (a tarball of the user's own). */
  digest: Digest | null;
  /** What the decompressed archive must hash to. */
  diffId: Digest | null;
  lower: LowerView;
  /** Empty directory that nobody else writes to; its content is garbage when this rejects. */
  target: string;
  tool: string;
  limits?: LayerLimits;
  unprivileged?: UnprivilegedUnpack | false;
  sync?: boolean;
  signal?: AbortSignal;
}

export interface UnpackReport {
  diffId: Digest;
  entries: number;
  /** Bytes of content. */
  bytes: number;
  /** Directories that hide what is below them. */
  opaque: RawName[];
  /** Directories with extended attributes. */
  xattrs: DirectoryXattrs;
  /** Extended attributes not taken over, by our rules or by the file system's. */
  xattrsDropped: number;
}

/**
 * Unpacks a layer into the form overlayfs takes, in one pass: hash, decompress, hash, parse, plan; a small C process makes the
 * files meanwhile. An uncompressed blob's content does not travel through the pipe: the tool reads it from the blob.
 */
export async function unpackLayer(request: UnpackRequest): Promise<UnpackReport> {
  const blob = await open(request.file, 'r');
  try {
    const head = Buffer.alloc(MAGIC_BYTES);
    await blob.read(head, 0, MAGIC_BYTES, 0);
    const packing = packingOf(head);
    const limits = request.limits ?? LAYER_LIMITS;
    const applier = new LayerApplier(request.tool, request.target, {
      sourceFd: blob.fd,
      sync: request.sync,
      unprivileged: request.unprivileged,
      signal: request.signal,
    });
    try {
      const feed = new OperationFeed(applier, packing === 'none');
      const planner = new LayerPlanner(request.lower, limits, (record) => feed.record(record));
      const reader = new TarReader({
        entry: (entry) => feed.content(planner.add(entry)),
        data: (chunk) => feed.data(chunk),
      });
      const inner = createHash('sha256');
      const packed = new DigestStream();
      // Without compression the inner hash is the outer one: no need to take it twice.
      const chunks =
        packing === 'none'
          ? readChunks(blob, request.signal)
          : decompress(
              pipeline(
                createReadStream(request.file, { highWaterMark: CHUNK_BYTES, signal: request.signal }),
                packed,
                () => undefined,
              ),
              packing,
              request.what,
            );
      let unpacked = 0;
      for await (const chunk of chunks) {
        inner.update(chunk);
        unpacked += chunk.length;
        if (packing !== 'none') planner.budget.checkRatio(packed.size, unpacked);
        reader.write(chunk);
        await feed.flush();
      }
      reader.end();
      const diffId = 'sha256:' + inner.digest('hex');
      const digest = packing === 'none' ? diffId : packed.digest;
      if (request.digest) verifyDigest(request.what, request.digest, digest);
      if (request.diffId) verifyDigest(`${request.what}, decompressed`, request.diffId, diffId);
      const finished = planner.finish();
      feed.record({ ...BLANK_RECORD, kind: 'end' });
      await feed.flush();
      const summary = await applier.finish();
      return {
        diffId,
        entries: planner.budget.entries,
        bytes: planner.budget.bytes,
        ...finished,
        xattrsDropped: planner.droppedXattrs + summary.xattrsRefused,
      };
    } catch (error) {
      await applier.abandon();
      throw error;
    }
  } finally {
    await blob.close();
  }
}

/**
 * A file's bytes, the next piece being read while the last is worked on. The two buffers are used in turn: a fresh one for each
 * piece would cost more in garbage collection than the reading.
 */
async function* readChunks(file: FileHandle, signal?: AbortSignal): AsyncIterable<Buffer> {
  let [now, next] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  let at = 0;
  let reading = file.read(now, 0, CHUNK_BYTES, at);
  for (;;) {
    const { bytesRead } = await reading;
    signal?.throwIfAborted();
    if (bytesRead === 0) return;
    at += bytesRead;
    reading = file.read(next, 0, CHUNK_BYTES, at);
    // Whoever stops early must not leave a rejection behind that nobody hears.
    reading.catch(() => undefined);
    yield now.subarray(0, bytesRead);
    [now, next] = [next, now];
  }
}

/** Gathers operations and content between two flushes. */
class OperationFeed {
  #pieces: Uint8Array[] = [];
  #inline = false;
  readonly #applier: LayerApplier;
  readonly #byReference: boolean;

  constructor(applier: LayerApplier, byReference: boolean) {
    this.#applier = applier;
    this.#byReference = byReference;
  }

  record(record: LayerRecord): void {
    this.#pieces.push(encodeRecord(this.#byReference ? record : { ...record, dataOffset: null }));
  }

  /** Whether the coming content belongs to a file that is being made. */
  content(follows: boolean): void {
    this.#inline = follows && !this.#byReference;
  }

  data(chunk: Buffer): void {
    if (this.#inline) this.#pieces.push(chunk);
  }

  async flush(): Promise<void> {
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    await this.#applier.write(merged(pieces));
  }
}

/** Small neighbours are copied together: thousands of tiny pieces cost more in writev than in memcpy. */
function merged(pieces: Uint8Array[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  const close = (): void => {
    if (run.length === 1 && run[0]) result.push(run[0]);
    else if (run.length > 1) result.push(Buffer.concat(run));
    run = [];
  };
  for (const piece of pieces) {
    if (piece.length > SMALL_BYTES) {
      close();
      result.push(piece);
    } else run.push(piece);
  }
  close();
  return result;
}
const SMALL_BYTES = 16 * 1024;
