import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { BenchError } from '../../../../results/bench-error.ts';
import { digestOf, hexOf, verifyDigest, type Digest } from '../format/digest.ts';

export interface StoredBlob {
  digest: Digest;
  size: number;
}

/** What a blob has to turn out to be. */
export interface Promised {
  digest?: Digest;
  size?: number;
}

/** Content-addressed files, `blobs/sha256/<hex>`, as the OCI image layout has them. A file under its name is whole and right. */
export class Blobs {
  readonly #folder: string;
  readonly #partial: string;

  constructor(root: string) {
    this.#folder = join(root, 'blobs', 'sha256');
    this.#partial = join(root, 'partial');
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await mkdir(this.#partial, { recursive: true });
  }

  path(digest: Digest): string {
    return join(this.#folder, hexOf(digest));
  }

  /** Whether it is there; if so it counts as new again, so that a prune running meanwhile does not take it. */
  async has(digest: Digest): Promise<boolean> {
    const now = new Date();
    return utimes(this.path(digest), now, now).then(
      () => true,
      () => false,
    );
  }

  async size(digest: Digest): Promise<number> {
    return (await stat(this.path(digest)).catch((cause: unknown) => this.#missing(digest, cause))).size;
  }

  stream(digest: Digest): Readable {
    return createReadStream(this.path(digest), { highWaterMark: 1024 * 1024 });
  }

  /** A small blob (manifest, config), verified again: it decides about everything else. */
  async read(digest: Digest, what: string): Promise<Buffer> {
    const bytes = await readFile(this.path(digest)).catch((cause: unknown) => this.#missing(digest, cause));
    verifyDigest(what, digest, digestOf(bytes));
    return bytes;
  }

  async put(bytes: Uint8Array, promised: Promised = {}): Promise<StoredBlob> {
    return this.receive([bytes], promised);
  }

  /** Stores what comes; it gets its name only when digest and size are as promised, and the bytes are on the disk. */
  async receive(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    promised: Promised = {},
    what = 'blob',
  ): Promise<StoredBlob> {
    const writer = await this.writer();
    try {
      for await (const chunk of chunks) {
        if (promised.size !== undefined && writer.size + chunk.length > promised.size)
          throw new BenchError('image-size', `${what}: is longer than the ${promised.size} bytes promised`);
        await writer.write(chunk);
      }
      return await writer.commit(promised, what);
    } finally {
      await writer.discard();
    }
  }

  async writer(): Promise<BlobWriter> {
    await this.prepare();
    const name = `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const path = join(this.#partial, name);
    return new BlobWriter(path, await open(path, 'wx', 0o600), (digest) => this.path(digest));
  }

  async list(): Promise<{ digest: Digest; size: number; changedMs: number }[]> {
    const found = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const stats = await stat(join(this.#folder, name)).catch(() => undefined);
      if (stats && /^[0-9a-f]{64}$/.test(name))
        found.push({ digest: `sha256:${name}`, size: stats.size, changedMs: stats.mtimeMs });
    }
    return found;
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  /** Removes what interrupted writers left, older than the given time. */
  async sweepPartial(beforeMs: number): Promise<void> {
    for (const name of await readdir(this.#partial).catch(() => [])) {
      const path = join(this.#partial, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats && stats.mtimeMs < beforeMs) await rm(path, { force: true });
    }
  }

  #missing(digest: Digest, cause: unknown): never {
    throw new BenchError('image-blob-missing', `the store does not hold ${digest}`, {
      hint: 'pull, build or import the image again',
      cause,
    });
  }
}

/** A blob that is being written. */
export class BlobWriter {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #place: (digest: Digest) => string;
  #hash = createHash('sha256');
  #open = true;
  size = 0;

  constructor(path: string, handle: FileHandle, place: (digest: Digest) => string) {
    this.path = path;
    this.#handle = handle;
    this.#place = place;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, at, chunk.length - at, this.size + at);
      at += bytesWritten;
    }
    this.size += chunk.length;
  }

  /** Forgets what was written: the sender starts over. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.size = 0;
  }

  async commit(promised: Promised, what: string): Promise<StoredBlob> {
    if (promised.size !== undefined && promised.size !== this.size)
      throw new BenchError('image-size', `${what}: is ${this.size} bytes, promised were ${promised.size}`);
    const digest = 'sha256:' + this.#hash.digest('hex');
    if (promised.digest !== undefined) verifyDigest(what, promised.digest, digest);
    await this.#handle.chmod(0o644);
    await this.#handle.datasync();
    await this.#close();
    await rename(this.path, this.#place(digest));
    return { digest, size: this.size };
  }

  /** Removes what was not committed; harmless afterwards. */
  async discard(): Promise<void> {
    if (!this.#open) return;
    await this.#close();
    await rm(this.path, { force: true });
  }

  async #close(): Promise<void> {
    this.#open = false;
    await this.#handle.close();
  }
}
