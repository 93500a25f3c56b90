import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { descriptorSchema } from '../format/descriptor.ts';
import { digestOf, digestSchema, type Digest } from '../format/digest.ts';

/** A step's result that may be used again: the layer it made, or null when it changed nothing. */
const cachedStepSchema = z.strictObject({
  /** When it was made: an image built wholly from the cache is the same image, date and all. */
  created: z.string(),
  layer: z
    .strictObject({ descriptor: descriptorSchema, diffId: digestSchema, chainId: digestSchema })
    .nullable(),
});
export type CachedStep = z.infer<typeof cachedStepSchema>;

/**
 * The key of a step: everything its result depends on. Two steps of the same key give the same layer: same layers below, same
 * instruction after expansion, same content (for COPY and ADD its digest), same environment.
 */
export function stepKey(parts: Record<string, string | number | boolean | readonly string[]>): Digest {
  return digestOf(JSON.stringify(parts, Object.keys(parts).sort()));
}

export async function readStep(root: string, key: Digest): Promise<CachedStep | undefined> {
  const text = await readFile(fileOf(root, key), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return cachedStepSchema.safeParse(JSON.parse(text)).data;
}

export async function writeStep(root: string, key: Digest, step: CachedStep): Promise<void> {
  const file = fileOf(root, key);
  await mkdir(join(root, 'build-cache'), { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(step));
  await rename(`${file}.${process.pid}`, file);
}

/** Layers that cached steps refer to: prune keeps them. */
export async function cachedLayers(root: string): Promise<NonNullable<CachedStep['layer']>[]> {
  const folder = join(root, 'build-cache');
  const layers = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => 'null');
    const step = cachedStepSchema.safeParse(JSON.parse(text)).data;
    if (step?.layer) layers.push(step.layer);
  }
  return layers;
}

export async function dropBuildCache(root: string): Promise<void> {
  await rm(join(root, 'build-cache'), { recursive: true, force: true });
}

function fileOf(root: string, key: Digest): string {
  return join(root, 'build-cache', `${key.slice('sha256:'.length)}.json`);
}
