import { BenchError } from '../../../../results/bench-error.ts';
import type { RawName, Segment } from '../tar/entry.ts';

/** The other end of native/record.h; the numbers are the same there. */
export const KIND = {
  directory: 1,
  file: 2,
  symlink: 3,
  hardlink: 4,
  node: 5,
  attributes: 6,
  remove: 7,
  end: 8,
} as const;
export type RecordKind = keyof typeof KIND;
const KIND_NAMES = new Map(
  Object.entries(KIND).map(([name, number]) => [number as number, name as RecordKind]),
);

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFBLK = 0o060000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

const MAGIC = 0x31524c54;
const HEAD = 104;
const FLAG_REFERENCE = 1;
const FLAG_SPARSE = 2;

/** One file system operation (to `tare-layer apply`), or one entry found (from `tare-layer scan`). */
export interface LayerRecord {
  kind: RecordKind;
  path: RawName;
  linkTarget: RawName;
  /** Type and permissions, as st_mode. */
  mode: number;
  uid: number;
  gid: number;
  devMajor: number;
  devMinor: number;
  mtimeSec: number;
  mtimeNsec: number;
  size: number;
  dataLength: number;
  /** Offset of the content in the descriptor that the applying tool holds; null when it travels inline or there is none. */
  dataOffset: number | null;
  xattrs: [RawName, Buffer][];
  segments: Segment[] | null;
  /** Scan only: which inode, and how many names it has. */
  inode: string;
  nlink: number;
}

export const BLANK_RECORD: LayerRecord = {
  kind: 'end',
  path: '',
  linkTarget: '',
  mode: 0,
  uid: 0,
  gid: 0,
  devMajor: 0,
  devMinor: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  size: 0,
  dataLength: 0,
  dataOffset: null,
  xattrs: [],
  segments: null,
  inode: '',
  nlink: 0,
};

/** The bytes of a record, without inline content. */
export function encodeRecord(record: LayerRecord): Buffer {
  const xattrLength = record.xattrs.reduce((sum, [name, value]) => sum + 8 + name.length + value.length, 0);
  const segments = record.segments ?? [];
  const bytes = Buffer.allocUnsafe(
    HEAD + record.path.length + record.linkTarget.length + xattrLength + 16 * segments.length,
  );
  bytes.fill(0, 0, HEAD);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt8(KIND[record.kind], 4);
  bytes.writeUInt8(
    (record.dataOffset === null ? 0 : FLAG_REFERENCE) | (record.segments ? FLAG_SPARSE : 0),
    5,
  );
  bytes.writeUInt16LE(record.xattrs.length, 6);
  bytes.writeUInt32LE(record.mode, 8);
  bytes.writeUInt32LE(record.uid, 12);
  bytes.writeUInt32LE(record.gid, 16);
  bytes.writeUInt32LE(record.devMajor, 20);
  bytes.writeUInt32LE(record.devMinor, 24);
  bytes.writeUInt32LE(record.mtimeNsec, 28);
  bytes.writeBigInt64LE(BigInt(record.mtimeSec), 32);
  bytes.writeBigUInt64LE(BigInt(record.size), 40);
  bytes.writeBigUInt64LE(BigInt(record.dataLength), 48);
  bytes.writeBigUInt64LE(BigInt(record.dataOffset ?? 0), 56);
  bytes.writeUInt32LE(record.path.length, 80);
  bytes.writeUInt32LE(record.linkTarget.length, 84);
  bytes.writeUInt32LE(xattrLength, 88);
  bytes.writeUInt32LE(segments.length, 92);
  let at = HEAD + bytes.write(record.path, HEAD, 'latin1');
  at += bytes.write(record.linkTarget, at, 'latin1');
  for (const [name, value] of record.xattrs) {
    bytes.writeUInt32LE(name.length, at);
    bytes.writeUInt32LE(value.length, at + 4);
    at += 8 + bytes.write(name, at + 8, 'latin1');
    at += value.copy(bytes, at);
  }
  for (const { offset, length } of segments) {
    bytes.writeBigUInt64LE(BigInt(offset), at);
    bytes.writeBigUInt64LE(BigInt(length), at + 8);
    at += 16;
  }
  return bytes;
}

/** All records of a scan's output; throws when it was cut short. */
export function decodeRecords(bytes: Buffer): LayerRecord[] {
  const records: LayerRecord[] = [];
  for (let at = 0; at + HEAD <= bytes.length;) {
    if (bytes.readUInt32LE(at) !== MAGIC) break;
    const kind = KIND_NAMES.get(bytes.readUInt8(at + 4));
    if (kind === undefined) break;
    if (kind === 'end') return records;
    const lengths = [80, 84, 88].map((field) => bytes.readUInt32LE(at + field));
    const [pathLength = 0, linkLength = 0, xattrLength = 0] = lengths;
    const path = at + HEAD;
    const link = path + pathLength;
    const xattr = link + linkLength;
    const segment = xattr + xattrLength;
    const count = bytes.readUInt32LE(at + 92);
    const sparse = (bytes.readUInt8(at + 5) & FLAG_SPARSE) !== 0;
    records.push({
      kind,
      path: bytes.toString('latin1', path, link),
      linkTarget: bytes.toString('latin1', link, xattr),
      mode: bytes.readUInt32LE(at + 8),
      uid: bytes.readUInt32LE(at + 12),
      gid: bytes.readUInt32LE(at + 16),
      devMajor: bytes.readUInt32LE(at + 20),
      devMinor: bytes.readUInt32LE(at + 24),
      mtimeNsec: bytes.readUInt32LE(at + 28),
      mtimeSec: Number(bytes.readBigInt64LE(at + 32)),
      size: Number(bytes.readBigUInt64LE(at + 40)),
      dataLength: Number(bytes.readBigUInt64LE(at + 48)),
      dataOffset: null,
      xattrs: decodeXattrs(bytes.subarray(xattr, segment)),
      segments: sparse
        ? Array.from({ length: count }, (_, i) => ({
            offset: Number(bytes.readBigUInt64LE(segment + 16 * i)),
            length: Number(bytes.readBigUInt64LE(segment + 16 * i + 8)),
          }))
        : null,
      inode: `${bytes.readBigUInt64LE(at + 64)}:${bytes.readBigUInt64LE(at + 72)}`,
      nlink: bytes.readUInt32LE(at + 96),
    });
    at = segment + 16 * count;
  }
  throw new BenchError('image-layer-scan', 'the listing of a layer was cut short');
}

function decodeXattrs(block: Buffer): [RawName, Buffer][] {
  const xattrs: [RawName, Buffer][] = [];
  for (let at = 0; at < block.length;) {
    const name = at + 8;
    const value = name + block.readUInt32LE(at);
    const end = value + block.readUInt32LE(at + 4);
    xattrs.push([block.toString('latin1', name, value), block.subarray(value, end)]);
    at = end;
  }
  return xattrs;
}
