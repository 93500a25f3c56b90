import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packingOfFile } from '../archive/rootfs-archive.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { decompress } from '../layer/decompress.ts';
import { components } from '../layer/layer-path.ts';
import type { PackItem } from '../layer/pack.ts';
import { WHITEOUT_PREFIX } from '../layer/whiteout.ts';
import { nameForPeople, type RawName, type TarEntry } from '../tar/entry.ts';
import { BLOCK, decodeHeader } from '../tar/header.ts';
import { TarReader } from '../tar/reader.ts';

/** Decompressed archives of one ADD, until the layer is written. */
export class ArchiveExpander {
  #folder: string | undefined;
  readonly #scratch: string;
  readonly #place: Place;
  #count = 0;

  constructor(scratch: string, place: Place) {
    this.#scratch = scratch;
    this.#place = place;
  }

  /** The members of a local tar (gzip, bzip2, xz, zstd or none) under a directory; undefined when the file is no tar. */
  async expand(content: Buffer, target: RawName[]): Promise<PackItem[] | undefined> {
    const file = content.toString();
    const packing = await packingOfFile(file);
    this.#folder ??= await mkdtemp(join(this.#scratch, 'add-'));
    const plain = join(this.#folder, String(this.#count++));
    const items: PackItem[] = [];
    const reader = new TarReader({
      entry: (entry) => {
        const item = this.#item(entry, target, plain);
        if (item) items.push(item);
      },
      data: () => undefined,
    });
    const out = await open(plain, 'wx', 0o600);
    try {
      let first = true;
      for await (const chunk of decompress(createReadStream(file), packing, file)) {
        if (first && !startsLikeTar(chunk)) return undefined;
        first = false;
        reader.write(chunk);
        await out.appendFile(chunk);
      }
      if (first) return undefined;
      reader.end();
    } finally {
      await out.close();
    }
    return items;
  }

  async discard(): Promise<void> {
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  #item(entry: TarEntry, target: RawName[], plain: string): PackItem | undefined {
    const parts = components(entry.path);
    const name = parts.at(-1);
    if (name === undefined) return undefined;
    if (name.startsWith(WHITEOUT_PREFIX))
      throw dockerfileError(
        this.#place,
        `the archive holds '${nameForPeople(name)}', which would mean deletion`,
      );
    const path = [...target, ...parts].join('/');
    const linkTarget =
      entry.type === 'hardlink' ? [...target, ...components(entry.linkTarget)].join('/') : entry.linkTarget;
    return {
      member: { ...entry, path, linkTarget },
      content: entry.type === 'file' ? Buffer.from(plain) : null,
      contentOffset: entry.dataOffset,
    };
  }
}

/** A first block with a right checksum. Shorter files are no archives. */
function startsLikeTar(chunk: Buffer): boolean {
  if (chunk.length < BLOCK) return false;
  try {
    return decodeHeader(chunk.subarray(0, BLOCK), 0) !== null;
  } catch {
    return false;
  }
}
