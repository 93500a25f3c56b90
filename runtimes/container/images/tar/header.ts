import { rawName, tarError, type RawName } from './entry.ts';

/** A tar block; headers are one, contents are padded to a multiple of it. */
export const BLOCK = 512;

/** The fixed part of a header, numbers decoded, nothing judged yet. */
export interface RawHeader {
  name: RawName;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  typeflag: string;
  linkname: RawName;
  devMajor: number;
  devMinor: number;
  /** 'gnu' headers have no prefix field but times and a sparse map there. */
  format: 'v7' | 'ustar' | 'gnu';
}

/** The header in a block, or null for a block of zeros (the end mark). Formats: POSIX.1-1988 ustar, GNU, and v7 before them. */
export function decodeHeader(block: Buffer, at: number): RawHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  verifyChecksum(block, at);
  const magic = block.toString('latin1', 257, 265);
  const format =
    magic === 'ustar\x0000' || magic === 'ustar\0\0\0' ? 'ustar' : magic === 'ustar  \0' ? 'gnu' : 'v7';
  const short = text(block, 0, 100);
  const prefix = format === 'ustar' ? text(block, 345, 155) : '';
  const devices = format !== 'v7';
  return {
    name: prefix === '' ? short : `${prefix}/${short}`,
    mode: numeric(block, 100, 8, at) & 0o7777,
    uid: natural(block, 108, 8, at, 'uid'),
    gid: natural(block, 116, 8, at, 'gid'),
    size: natural(block, 124, 12, at, 'size'),
    mtime: numeric(block, 136, 12, at),
    typeflag: String.fromCharCode(block[156] ?? 0),
    linkname: text(block, 157, 100),
    devMajor: devices ? natural(block, 329, 8, at, 'device') : 0,
    devMinor: devices ? natural(block, 337, 8, at, 'device') : 0,
    format,
  };
}

/** Signed sums are accepted too: some old tars made them so. */
function verifyChecksum(block: Buffer, at: number): void {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = numeric(block, 148, 8, at);
  if (stated !== unsigned && stated !== signed) throw tarError(at, 'header checksum does not match');
}

function text(block: Buffer, from: number, length: number): RawName {
  const end = block.indexOf(0, from);
  return rawName(block.subarray(from, end < 0 || end > from + length ? from + length : end));
}

function natural(block: Buffer, from: number, length: number, at: number, what: string): number {
  const value = numeric(block, from, length, at);
  if (value < 0) throw tarError(at, `negative ${what}`);
  return value;
}

/** A number field: octal digits with blanks or NULs around them, or GNU's big-endian two's complement when bit 7 is set. */
export function numeric(block: Buffer, from: number, length: number, at: number): number {
  const first = block[from] ?? 0;
  if (first & 0x80) {
    let value = BigInt(first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f);
    for (let i = 1; i < length; i++) value = value * 256n + BigInt(block[from + i] ?? 0);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw tarError(at, 'number too large');
    return number;
  }
  const digits = block.toString('latin1', from, from + length).replace(/^[ \0]+|[ \0].*$/gs, '');
  if (!/^[0-7]*$/.test(digits)) throw tarError(at, `'${digits}' is no octal number`);
  return digits === '' ? 0 : parseInt(digits, 8);
}
