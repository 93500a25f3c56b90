import type { RawName, Segment, TarEntry } from './entry.ts';
import { BLOCK } from './header.ts';
import { padding } from './reader.ts';

/** What the writer needs to know of an entry; where its content lies is the caller's business. */
export type TarMember = Omit<TarEntry, 'dataOffset' | 'dataLength' | 'mtimeNsec'>;

const TYPEFLAG: Record<TarEntry['type'], string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** Ends an archive: two blocks of zeros. Not padded to GNU's 10 KiB records, as Go does not. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * The bytes before an entry's content: a ustar header, preceded by a pax header for what does not fit. A function of the entry
 * alone, so the same tree gives the same bytes. Files with holes use GNU's sparse format 1.0, which GNU tar, libarchive and
 * Go (so Docker, containerd, umoci) read.
 */
export function tarHead(entry: TarMember): Buffer {
  const pax: [RawName, Buffer | string][] = [];
  let name = entry.type === 'directory' && !entry.path.endsWith('/') ? entry.path + '/' : entry.path;
  const map =
    entry.type === 'file' && entry.segments !== null
      ? sparseMap(entry.segments, entry.size)
      : Buffer.alloc(0);
  let stored = entry.type === 'file' ? entry.size : 0;
  if (entry.type === 'file' && entry.segments !== null) {
    stored = map.length + dataLengthOf(entry);
    pax.push(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0']);
    pax.push(['GNU.sparse.name', Buffer.from(name, 'latin1')], ['GNU.sparse.realsize', String(entry.size)]);
    name = `GNUSparseFile.0/${name.slice(name.lastIndexOf('/') + 1).slice(0, 80)}`;
  } else if (name.length > 100) {
    pax.push(['path', Buffer.from(name, 'latin1')]);
  }
  if (entry.linkTarget.length > 100) pax.push(['linkpath', Buffer.from(entry.linkTarget, 'latin1')]);
  if (stored > MAX_SIZE) pax.push(['size', String(stored)]);
  if (entry.uid > MAX_ID) pax.push(['uid', String(entry.uid)]);
  if (entry.gid > MAX_ID) pax.push(['gid', String(entry.gid)]);
  if (entry.mtimeSec < 0 || entry.mtimeSec > MAX_SIZE) pax.push(['mtime', String(entry.mtimeSec)]);
  for (const [key, value] of [...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1)))
    pax.push([`SCHILY.xattr.${key}`, value]);
  const main = header({ ...entry, path: name.slice(0, 100), size: stored }, TYPEFLAG[entry.type]);
  if (pax.length === 0) return main;
  const records = Buffer.concat(pax.map(([key, value]) => paxRecord(key, value)));
  const paxHeader = header({ ...PLAIN, path: 'PaxHeaders.0/x', size: records.length }, 'x');
  return Buffer.concat([paxHeader, padded(records), main, map]);
}

/** Bytes of content an entry carries (without the sparse map). */
export function dataLengthOf(entry: Pick<TarMember, 'size' | 'segments'>): number {
  return entry.segments === null ? entry.size : entry.segments.reduce((sum, each) => sum + each.length, 0);
}

/** Zeros after `length` bytes of content. */
export function tarPadding(length: number): Buffer {
  return Buffer.alloc(padding(length));
}

const MAX_SIZE = 0o77777777777;
const MAX_ID = 0o7777777;
const PLAIN: TarMember = {
  type: 'file',
  path: '',
  linkTarget: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSec: 0,
  size: 0,
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
  segments: null,
};

function header(entry: TarMember, typeflag: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.path.slice(0, 100), 0, 'latin1');
  octal(block, 100, 8, entry.mode & 0o7777);
  octal(block, 108, 8, entry.uid > MAX_ID ? 0 : entry.uid);
  octal(block, 116, 8, entry.gid > MAX_ID ? 0 : entry.gid);
  octal(block, 124, 12, entry.size > MAX_SIZE ? 0 : entry.size);
  octal(block, 136, 12, entry.mtimeSec < 0 || entry.mtimeSec > MAX_SIZE ? 0 : entry.mtimeSec);
  block.fill(0x20, 148, 156);
  block.write(typeflag, 156, 'latin1');
  block.write(entry.linkTarget.slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.devMajor);
  octal(block, 337, 8, entry.devMinor);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(sum.toString(8).padStart(6, '0') + '\0 ', 148, 'latin1');
  return block;
}

function octal(block: Buffer, from: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), from, length - 1, 'latin1');
}

/** `length key=value\n`, where the length counts its own digits. */
function paxRecord(key: RawName, value: Buffer | string): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value), Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** A file that ends in a hole gets an empty piece at its end: GNU tar takes the file's length from the last one. */
function sparseMap(segments: Segment[], size: number): Buffer {
  const last = segments.at(-1);
  const ends = last !== undefined && last.offset + last.length === size;
  const whole = ends ? segments : [...segments, { offset: size, length: 0 }];
  const numbers = [whole.length, ...whole.flatMap(({ offset, length }) => [offset, length])];
  return padded(Buffer.from(numbers.map((number) => `${number}\n`).join('')));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.length))]);
}
