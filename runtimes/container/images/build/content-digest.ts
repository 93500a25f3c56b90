import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Digest } from '../format/digest.ts';
import type { PackItem } from '../layer/pack.ts';
import { dataLengthOf } from '../tar/writer.ts';

/** Digest of what a COPY brings: names, modes, owners, attributes and bytes; not times, which git does not keep. */
export async function contentDigest(items: readonly PackItem[]): Promise<Digest> {
  const hash = createHash('sha256');
  for (const { member, content, contentOffset } of items) {
    const { type, path, linkTarget, mode, uid, gid, size, devMajor, devMinor, segments } = member;
    hash.update(
      JSON.stringify({ type, path, linkTarget, mode, uid, gid, size, devMajor, devMinor, segments }),
    );
    for (const [name, value] of member.xattrs) hash.update(JSON.stringify([name, value.toString('latin1')]));
    const length = dataLengthOf(member);
    if (member.type !== 'file' || !content || length === 0) continue;
    const range =
      contentOffset === undefined ? {} : { start: contentOffset, end: contentOffset + length - 1 };
    for await (const chunk of createReadStream(content, range)) hash.update(chunk as Buffer);
  }
  return 'sha256:' + hash.digest('hex');
}
