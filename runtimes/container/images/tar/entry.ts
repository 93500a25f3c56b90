import { BenchError } from '../../../../results/bench-error.ts';

/**
 * A file name, link target or attribute name as the bytes it is made of: one UTF-16 unit per byte ("latin1"). File names on
 * Linux are bytes, not text; decoding them as UTF-8 would turn two different names into the same one.
 */
export type RawName = string;

export function rawName(bytes: Uint8Array): RawName {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Text of ours (a Dockerfile's path, say) as raw name. */
export function rawFromText(text: string): RawName {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** For people and JSON: decoded as UTF-8, replacement characters where it is not. */
export function nameForPeople(name: RawName): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** A stretch of data in a sparse file, in bytes. */
export interface Segment {
  offset: number;
  length: number;
}

/** One member of a tar archive. */
export interface TarEntry {
  type: EntryType;
  /** As the archive spells it. */
  path: RawName;
  /** Target of a symbolic or hard link; otherwise empty. */
  linkTarget: RawName;
  /** Permission bits with setuid, setgid and sticky: 0–0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since the epoch, rounded down, and the rest in nanoseconds. */
  mtimeSec: number;
  mtimeNsec: number;
  /** Bytes of the file as it is read; 0 for what is no file. */
  size: number;
  devMajor: number;
  devMinor: number;
  xattrs: [RawName, Buffer][];
  /** Where the data goes, for a file with holes; null for one without. */
  segments: Segment[] | null;
  /** Bytes of content in the archive. */
  dataLength: number;
  /** Where the content begins in the (uncompressed) archive. */
  dataOffset: number;
}

export function tarError(offset: number, message: string): BenchError {
  return new BenchError('image-tar', `tar archive, byte ${offset}: ${message}`, {
    hint: 'the archive is damaged, cut short or of an unknown kind',
  });
}
