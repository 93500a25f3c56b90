import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A short digest over everything that decides a derived file's bytes. */
export function digestOf(...inputs: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(String(input.length)).update('\0').update(input);
  return hash.digest('hex').slice(0, 24);
}

/**
 * The file at `path`, made by `make(aside)` when it is not there. It is made aside and renamed into place, so an
 * interrupted making is never taken for the file, and two processes that make it at once do no harm.
 */
export async function cachedFile(path: string, make: (aside: string) => Promise<void>): Promise<string> {
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const folder = await mkdtemp(join(dirname(path), '.making-'));
  try {
    const aside = join(folder, 'file');
    await make(aside);
    await rename(aside, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return path;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
