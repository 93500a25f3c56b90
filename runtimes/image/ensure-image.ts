import { execa } from 'execa';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { Image } from '../contract.ts';
import { copySharedImage, MACHINE_CACHE, refuseWithoutIds, sharedImage } from './shared-image.ts';
import { aptSources } from './apt-sources.ts';
import { DEFAULT_RECIPE, mmdebstrapArgv, recipeDigest, type Recipe } from './recipe.ts';
import { describeTree } from './tree.ts';

/** Longer than the slowest mirror should need; a hang ends in a named failure. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** The cached image of a recipe, or undefined when it has not been built here. */
export async function findImage(
  cacheDir: string,
  recipe: Recipe = DEFAULT_RECIPE,
): Promise<Image | undefined> {
  return findImageIn(imageFolder(cacheDir, recipe));
}

/** The image that lies in a folder of the cache, or undefined when there is none. */
export async function findImageIn(folder: string): Promise<Image | undefined> {
  const text = await readFile(join(folder, 'image.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { ...(JSON.parse(text) as Image), rootfs: join(folder, 'rootfs') };
}

/**
 * The root filesystem every arm runs on; made with mmdebstrap when it is not in the cache (about a minute). It is built
 * aside and renamed into place, so an interrupted build is never taken for an image.
 *
 * @throws BenchError `image-tool-missing`, `image-build-failed` (with the last words of mmdebstrap).
 */
export async function ensureImage(
  cacheDir: string,
  say: (line: string) => void,
  signal?: AbortSignal,
  recipe: Recipe = DEFAULT_RECIPE,
): Promise<Image> {
  const cached = await findImage(cacheDir, recipe);
  if (cached) return cached;
  const images = join(cacheDir, 'images');
  await mkdir(images, { recursive: true });
  const folder = imageFolder(cacheDir, recipe);
  const aside = await mkdtemp(join(images, '.building-'));
  const shared = await sharedImage(imageFolder(MACHINE_CACHE, recipe), cacheDir);
  try {
    if (shared) {
      say(`copying the guest image that root made from ${shared}`);
      await copySharedImage(shared, aside);
      await rename(aside, folder);
      const copied = await findImage(cacheDir, recipe);
      if (copied) return copied;
    }
    refuseWithoutIds();
    say(
      `building the guest image: Debian ${recipe.suite} with ${recipe.packages.join(', ')} (about a minute)`,
    );
    await chmod(aside, 0o755);
    const rootfs = join(aside, 'rootfs');
    await runMmdebstrap(mmdebstrapArgv(recipe, rootfs, aptSources(recipe.suite)), signal);
    const image: Image = { digest: recipeDigest(recipe), ...(await describeTree(rootfs)) };
    if (image.kernelRelease === '')
      throw new BenchError('image-build-failed', 'the guest image has no kernel in /boot');
    await writeFile(join(aside, 'image.json'), JSON.stringify(image, null, 2) + '\n');
    await rename(aside, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else finished the same image first: theirs is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const built = await findImage(cacheDir, recipe);
  if (!built)
    throw new BenchError('image-build-failed', `the guest image vanished from ${folder} while it was made`);
  return built;
}

function imageFolder(cacheDir: string, recipe: Recipe): string {
  return join(cacheDir, 'images', recipeDigest(recipe).slice(0, 24));
}

async function runMmdebstrap(argv: string[], signal: AbortSignal | undefined): Promise<void> {
  const [command = '', ...args] = argv;
  const result = await execa(command, args, {
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: BUILD_TIMEOUT_MS,
    cancelSignal: signal,
    env: { LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.code === 'ENOENT') {
    throw new BenchError(
      'image-tool-missing',
      'mmdebstrap is not installed, so the guest image cannot be made',
      {
        hint: 'apt-get install mmdebstrap, or run ./bench setup as root',
      },
    );
  }
  if (result.failed) {
    const words = String(result.all ?? '')
      .trim()
      .split('\n')
      .slice(-12)
      .join('\n');
    throw new BenchError(
      'image-build-failed',
      `mmdebstrap failed (${result.shortMessage ?? 'no reason given'}):\n${words}`,
      {
        hint: 'check that apt-get update works on this machine; then run the command again',
      },
    );
  }
}
