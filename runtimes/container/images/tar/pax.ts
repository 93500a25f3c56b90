import { rawName, tarError, type RawName, type Segment } from './entry.ts';

/** Largest extended header we hold in memory; xattrs live in it, and Linux caps those at 64 KiB each. */
export const MAX_PAX_BYTES = 4 * 1024 * 1024;

/** The records of an extended header in their order (GNU's sparse format 0.0 repeats keys). */
export type PaxRecords = [RawName, Buffer][];

/** Parses `length key=value\n` records (POSIX.1-2001, pax "Extended Header"). */
export function parsePax(bytes: Buffer, at: number): PaxRecords {
  const records: PaxRecords = [];
  for (let from = 0; from < bytes.length;) {
    const blank = bytes.indexOf(0x20, from);
    const digits = blank < 0 ? '' : bytes.toString('latin1', from, blank);
    const length = /^[1-9][0-9]{0,9}$/.test(digits) ? Number(digits) : NaN;
    const end = from + length;
    const equals = bytes.indexOf(0x3d, blank);
    if (
      !(end <= bytes.length) ||
      bytes[end - 1] !== 0x0a ||
      equals < 0 ||
      equals >= end ||
      equals === blank + 1
    )
      throw tarError(at, 'malformed pax record');
    records.push([rawName(bytes.subarray(blank + 1, equals)), bytes.subarray(equals + 1, end - 1)]);
    from = end;
  }
  return records;
}

/** What the records say about the next entry; undefined where they say nothing. */
export interface PaxFacts {
  path?: RawName;
  linkpath?: RawName;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: { sec: number; nsec: number };
  xattrs: [RawName, Buffer][];
  sparse?: { major: number; minor: number; realSize?: number; map: Segment[] | null };
}

export function paxFacts(records: PaxRecords, at: number): PaxFacts {
  const last = new Map<RawName, Buffer>();
  const xattrs = new Map<RawName, Buffer>();
  for (const [key, value] of records) {
    if (key.startsWith(XATTR)) xattrs.set(key.slice(XATTR.length), value);
    else if (value.length === 0)
      last.delete(key); // an empty value takes a record back
    else last.set(key, value);
  }
  const name = (key: string): RawName | undefined => {
    const value = last.get(key);
    if (value?.includes(0)) throw tarError(at, `pax ${key} holds a NUL byte`);
    return value && rawName(value);
  };
  const number = (key: string): number | undefined => {
    const value = last.get(key)?.toString('latin1');
    if (value === undefined) return undefined;
    if (!/^[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(Number(value)))
      throw tarError(at, `pax ${key} is no number`);
    return Number(value);
  };
  const mtime = last.get('mtime')?.toString('latin1');
  return {
    path: name('GNU.sparse.name') ?? name('path'),
    linkpath: name('linkpath'),
    size: number('size'),
    uid: number('uid'),
    gid: number('gid'),
    mtime: mtime === undefined ? undefined : decimalTime(mtime, at),
    xattrs: [...xattrs],
    sparse: sparseFacts(records, last, number, at),
  };
}

const XATTR = 'SCHILY.xattr.';

function sparseFacts(
  records: PaxRecords,
  last: Map<RawName, Buffer>,
  number: (key: string) => number | undefined,
  at: number,
): PaxFacts['sparse'] {
  const realSize = number('GNU.sparse.realsize') ?? number('GNU.sparse.size');
  const major = number('GNU.sparse.major');
  if (major !== undefined) return { major, minor: number('GNU.sparse.minor') ?? 0, realSize, map: null };
  const joined = last.get('GNU.sparse.map')?.toString('latin1');
  if (joined !== undefined) return { major: 0, minor: 1, realSize, map: pairs(joined.split(','), at) };
  if (number('GNU.sparse.numblocks') === undefined) return undefined;
  const numbers = records
    .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
    .map(([, value]) => value.toString('latin1'));
  return { major: 0, minor: 0, realSize, map: pairs(numbers, at) };
}

/** Offsets and lengths in turn. */
export function pairs(numbers: string[], at: number): Segment[] {
  const map: Segment[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const [offset, length] = [numbers[i] ?? '', numbers[i + 1] ?? ''];
    if (!/^[0-9]{1,16}$/.test(offset) || !/^[0-9]{1,16}$/.test(length))
      throw tarError(at, 'malformed sparse map');
    map.push({ offset: Number(offset), length: Number(length) });
  }
  return map;
}

/** Rounded down, with the rest positive: `-1.25` is second -2 and 750,000,000 ns. */
export function decimalTime(value: string, at: number): { sec: number; nsec: number } {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(value);
  if (!match) throw tarError(at, `'${value}' is no time`);
  const nsec = Number((match[3] ?? '').padEnd(9, '0').slice(0, 9));
  const sec = Number(match[2]);
  if (match[1] === '') return { sec, nsec };
  return nsec === 0 ? { sec: -sec + 0, nsec } : { sec: -sec - 1, nsec: 1e9 - nsec };
}
