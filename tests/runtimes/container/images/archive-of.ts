import type { TarEntry } from '../../../../runtimes/container/images/tar/entry.ts';
import { TarReader } from '../../../../runtimes/container/images/tar/reader.ts';
import {
  dataLengthOf,
  TAR_END,
  tarHead,
  tarPadding,
  type TarMember,
} from '../../../../runtimes/container/images/tar/writer.ts';

/** A member with everything that a test does not care about filled in. */
export interface Wanted extends Partial<TarMember> {
  path: string;
  content?: string | Buffer;
}

export function memberOf({ content, ...wanted }: Wanted): TarMember {
  return {
    type: 'file',
    linkTarget: '',
    mode: wanted.type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 1_700_000_000,
    size: content === undefined ? 0 : Buffer.from(content).length,
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    segments: null,
    ...wanted,
  };
}

/** A tar archive of the given members, as our own writer makes it. */
export function archiveOf(...wanted: Wanted[]): Buffer {
  const pieces: Buffer[] = [];
  for (const each of wanted) {
    const member = memberOf(each);
    pieces.push(tarHead(member));
    if (member.type !== 'file') continue;
    pieces.push(Buffer.from(each.content ?? ''), tarPadding(dataLengthOf(member)));
  }
  return Buffer.concat([...pieces, TAR_END]);
}

/** Every entry of an archive with its content, read in pieces of the given size. */
export function entriesOf(archive: Buffer, piece = archive.length): { entry: TarEntry; content: Buffer }[] {
  const found: { entry: TarEntry; chunks: Buffer[] }[] = [];
  const reader = new TarReader({
    entry: (entry) => found.push({ entry, chunks: [] }),
    data: (chunk) => found.at(-1)?.chunks.push(Buffer.from(chunk)),
  });
  for (let at = 0; at < archive.length; at += piece) reader.write(archive.subarray(at, at + piece));
  reader.end();
  return found.map(({ entry, chunks }) => ({ entry, content: Buffer.concat(chunks) }));
}
