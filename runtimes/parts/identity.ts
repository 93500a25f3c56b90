import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** path, size and time of change → sha256: a file of 70 MB is read once, and again when somebody replaced it. */
const known = new Map<string, string>();

/** sha256 hex of a file's bytes. A file that is replaced during a run has another one; nothing is kept on disk. */
export async function sha256OfFile(path: string): Promise<string> {
  const { size, mtimeMs, ctimeMs, ino } = await stat(path);
  const key = [path, size, mtimeMs, ctimeMs, ino].join(' ');
  const seen = known.get(key);
  if (seen !== undefined) return seen;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  const digest = hash.digest('hex');
  known.set(key, digest);
  return digest;
}
