import { tarError, type EntryType, type RawName, type Segment, type TarEntry } from './entry.ts';
import { BLOCK, decodeHeader, numeric, type RawHeader } from './header.ts';
import { MAX_PAX_BYTES, parsePax, paxFacts, type PaxFacts } from './pax.ts';
import { checkMap, map10, oldGnuPairs } from './sparse.ts';

const TYPES: Record<string, EntryType> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

export interface TarHandler {
  entry(entry: TarEntry): void;
  /** The next piece of the last entry's content. Not kept after the call returns. */
  data(chunk: Buffer): void;
}

type State = 'header' | 'extension' | 'old-sparse' | 'map10' | 'data' | 'padding' | 'finished';

/**
 * Reads a tar archive that is pushed in, in pieces of any size. Our own, because the readers on npm drop GNU's sparse maps,
 * so that a file with holes would come out short and wrong, and because one pass without a stream per member is what keeps
 * unpacking as fast as tar. Tests compare it with tar-stream and with GNU tar.
 *
 * Reads ustar, GNU (long names, base-256, sparse) and pax (with xattrs and sparse 0.0, 0.1, 1.0). Global pax headers are
 * skipped, as Go's reader does, so that other runtimes and we read the same files from the same bytes.
 */
export class TarReader {
  readonly #handler: TarHandler;
  #state: State = 'header';
  /** Absolute position of the next byte to be read. */
  #position = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wanted = BLOCK;
  #remaining = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #extension: 'pax' | 'global' | 'long-name' | 'long-link' = 'pax';
  #longName: RawName | undefined;
  #longLink: RawName | undefined;
  #pax: PaxFacts | undefined;
  #header: RawHeader | undefined;
  #headerAt = 0;
  #map: Segment[] = [];
  #oldRealSize = 0;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** True when the end mark was seen. */
  get finished(): boolean {
    return this.#state === 'finished';
  }

  write(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length && this.#state !== 'finished') {
      if (this.#state === 'data' || this.#state === 'padding') {
        const part = Math.min(chunk.length - from, this.#remaining);
        if (this.#state === 'data') this.#handler.data(chunk.subarray(from, from + part));
        from += part;
        this.#position += part;
        this.#remaining -= part;
        if (this.#remaining === 0) this.#endOfStretch();
        continue;
      }
      const missing = this.#wanted - this.#pendingBytes;
      const part = chunk.subarray(from, from + missing);
      from += part.length;
      this.#position += part.length;
      if (part.length < missing) {
        // Kept across calls, so it must not be a view of the caller's buffer.
        this.#pending.push(Buffer.from(part));
        this.#pendingBytes += part.length;
        return;
      }
      const block = this.#pendingBytes === 0 ? part : Buffer.concat([...this.#pending, part]);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#block(block);
    }
  }

  /** Call when the archive is over; throws when it ended in the middle of something. */
  end(): void {
    if (this.#state === 'finished') return;
    const between = this.#state === 'header' && this.#pendingBytes === 0;
    if (!between || this.#pax || this.#longName !== undefined || this.#longLink !== undefined)
      throw tarError(this.#position, 'ends in the middle of an entry');
  }

  #block(block: Buffer): void {
    switch (this.#state) {
      case 'header':
        return this.#readHeader(block);
      case 'extension':
        return this.#readExtension(block);
      case 'old-sparse':
        this.#map.push(...oldGnuPairs(block, 0, 21, this.#headerAt));
        if (block[504] === 0) this.#begin(this.#oldRealSize, this.#map, this.#header?.size ?? 0);
        return;
      case 'map10':
        return this.#readMap10(block);
      default:
        throw tarError(this.#position, 'reader in an impossible state');
    }
  }

  #readHeader(block: Buffer): void {
    const at = this.#position - BLOCK;
    const header = decodeHeader(block, at);
    if (header === null) {
      if (++this.#zeroBlocks === 2) this.#state = 'finished';
      return;
    }
    if (this.#zeroBlocks > 0) throw tarError(at, 'a lone block of zeros between entries');
    const kind = ({ x: 'pax', g: 'global', L: 'long-name', K: 'long-link' } as const)[header.typeflag];
    if (kind !== undefined) {
      if (header.size > MAX_PAX_BYTES) throw tarError(at, 'extended header too large');
      this.#extension = kind;
      if (header.size === 0) return this.#applyExtension(Buffer.alloc(0));
      this.#state = 'extension';
      this.#wanted = header.size + padding(header.size);
      this.#remaining = header.size;
      return;
    }
    this.#header = header;
    this.#headerAt = at;
    this.#beginEntry(header, block, at);
  }

  #readExtension(padded: Buffer): void {
    this.#state = 'header';
    this.#wanted = BLOCK;
    this.#applyExtension(Buffer.from(padded.subarray(0, this.#remaining)));
  }

  #applyExtension(bytes: Buffer): void {
    const at = this.#position;
    if (this.#extension === 'pax') this.#pax = paxFacts(parsePax(bytes, at), at);
    else if (this.#extension === 'long-name') this.#longName = untilNul(bytes);
    else if (this.#extension === 'long-link') this.#longLink = untilNul(bytes);
  }

  #beginEntry(header: RawHeader, block: Buffer, at: number): void {
    const type = TYPES[header.typeflag];
    if (type === undefined) throw tarError(at, `unknown entry type '${header.typeflag}'`);
    const size = type === 'file' ? (this.#pax?.size ?? header.size) : 0;
    if (header.typeflag === 'S') {
      this.#map = oldGnuPairs(block, 386, 4, at);
      this.#oldRealSize = numeric(block, 483, 12, at);
      if (block[482] === 0) return this.#begin(this.#oldRealSize, this.#map, size);
      this.#header = { ...header, size };
      this.#state = 'old-sparse';
      return;
    }
    const sparse = type === 'file' ? this.#pax?.sparse : undefined;
    if (sparse === undefined) return this.#begin(size, null, size);
    if (sparse.major === 0) return this.#begin(sparse.realSize ?? size, sparse.map ?? [], size);
    if (sparse.major !== 1 || sparse.minor !== 0)
      throw tarError(at, `unknown sparse format ${sparse.major}.${sparse.minor}`);
    if (size < BLOCK) throw tarError(at, 'sparse file without a map');
    this.#header = { ...header, size };
    this.#map = [];
    this.#state = 'map10';
    this.#wanted = BLOCK;
  }

  #readMap10(blocks: Buffer): void {
    const header = this.#header;
    const map = map10(blocks, this.#headerAt);
    if (map === undefined) {
      // Ask for the same blocks and one more.
      this.#pending = [Buffer.from(blocks)];
      this.#pendingBytes = blocks.length;
      this.#wanted = blocks.length + BLOCK;
      if (this.#wanted > (header?.size ?? 0)) throw tarError(this.#headerAt, 'sparse map without an end');
      return;
    }
    this.#wanted = BLOCK;
    this.#begin(this.#pax?.sparse?.realSize ?? 0, map, (header?.size ?? 0) - blocks.length);
  }

  #begin(size: number, map: Segment[] | null, dataLength: number): void {
    const header = this.#header;
    if (!header || dataLength < 0) throw tarError(this.#headerAt, 'malformed entry');
    const pax = this.#pax;
    let type = TYPES[header.typeflag] ?? 'file';
    const path = pax?.path ?? this.#longName ?? header.name;
    if (type === 'file' && path.endsWith('/') && map === null) {
      // Tars before POSIX had no directory type.
      type = 'directory';
      if (dataLength > 0) throw tarError(this.#headerAt, 'directory with content');
    }
    const link = type === 'symlink' || type === 'hardlink';
    const device = type === 'char' || type === 'block';
    this.#handler.entry({
      type,
      path,
      linkTarget: link ? (pax?.linkpath ?? this.#longLink ?? header.linkname) : '',
      mode: header.mode,
      uid: pax?.uid ?? header.uid,
      gid: pax?.gid ?? header.gid,
      mtimeSec: pax?.mtime?.sec ?? header.mtime,
      mtimeNsec: pax?.mtime?.nsec ?? 0,
      size: type === 'file' ? size : 0,
      devMajor: device ? header.devMajor : 0,
      devMinor: device ? header.devMinor : 0,
      xattrs: pax?.xattrs ?? [],
      segments: map === null ? null : checkMap(map, size, dataLength, this.#headerAt),
      dataLength,
      dataOffset: this.#position,
    });
    this.#pax = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#remaining = dataLength;
    this.#padding = padding(dataLength);
    this.#state = 'data';
    this.#wanted = BLOCK;
    if (dataLength === 0) this.#endOfStretch();
  }

  #endOfStretch(): void {
    if (this.#state === 'data' && this.#padding > 0) {
      this.#state = 'padding';
      this.#remaining = this.#padding;
      this.#padding = 0;
    } else this.#state = 'header';
  }
}

/** Bytes from a length to the next block. */
export function padding(length: number): number {
  return (BLOCK - (length % BLOCK)) % BLOCK;
}

function untilNul(bytes: Buffer): RawName {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}
