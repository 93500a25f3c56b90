import { BenchError } from '../../../../results/bench-error.ts';
import { importRootfs } from '../archive/rootfs-archive.ts';
import { loadArchive } from '../archive/load.ts';
import { saveArchive } from '../archive/save.ts';
import { applyChanges } from '../build/apply-changes.ts';
import type { StoredImage } from '../store/image-store.ts';
import { timeOfBuild } from './build-flags.ts';
import type { CommandContext } from './registry-flags.ts';

/** `bench image import`. */
export function importByFlags(
  { store, signal }: CommandContext,
  file: string,
  name: string | undefined,
  flags: { change: string[]; message?: string },
  env: NodeJS.ProcessEnv,
): Promise<StoredImage> {
  const process = applyChanges({}, flags.change);
  const { now } = timeOfBuild(env);
  return importRootfs(store, { file, name, process, message: flags.message, created: now, signal });
}

/** `bench image load`: a line for each image. */
export async function loadByFlags({ store }: CommandContext, file: string): Promise<string[]> {
  const images = await loadArchive(store, file);
  return images.map(({ name, manifest }) => `Loaded image: ${name ?? manifest.config.digest}`);
}

/** `bench image save`. */
export async function saveByFlags(
  { store }: CommandContext,
  names: string[],
  flags: { output: string; format: string },
): Promise<void> {
  const { format } = flags;
  if (format !== 'docker-archive' && format !== 'oci-archive')
    throw new BenchError('usage-format', `unknown format '${format}'`, {
      hint: 'docker-archive or oci-archive',
    });
  const images = [];
  for (const name of names) images.push(await store.get(name));
  await saveArchive(store, images, flags.output, format);
}
