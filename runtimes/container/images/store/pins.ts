import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { digestSchema, type Digest } from '../format/digest.ts';

const pinSchema = z.strictObject({ image: digestSchema, layers: z.array(z.string()) });
type Pin = z.infer<typeof pinSchema>;

/**
 * Says that a container uses an image's unpacked layers: rm refuses the image, prune leaves its layers. `owner` is the
 * container's id; pinning again replaces the old pin, so both are idempotent.
 */
export async function pinLayers(
  root: string,
  owner: string,
  image: { digest: Digest; layers: string[] },
): Promise<void> {
  const folder = join(root, 'pins');
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `.${owner}.${process.pid}`);
  const pin: Pin = { image: image.digest, layers: image.layers };
  await writeFile(aside, JSON.stringify(pin));
  await rename(aside, join(folder, `${owner}.json`));
}

export async function unpinLayers(root: string, owner: string): Promise<void> {
  await rm(join(root, 'pins', `${owner}.json`), { force: true });
}

/** Owners that use an image. */
export async function pinnedImages(root: string, digest: Digest): Promise<string[]> {
  return (await pins(root)).filter(({ pin }) => pin.image === digest).map(({ owner }) => owner);
}

/** Layer trees in use, as they were pinned. */
export async function pinnedLayers(root: string): Promise<Set<string>> {
  return new Set((await pins(root)).flatMap(({ pin }) => pin.layers));
}

async function pins(root: string): Promise<{ owner: string; pin: Pin }[]> {
  const folder = join(root, 'pins');
  const found = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('.') || !name.endsWith('.json')) continue;
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    found.push({ owner: name.slice(0, -'.json'.length), pin: pinSchema.parse(JSON.parse(text)) });
  }
  return found;
}
