import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { Part } from '../../results/record/plan.ts';
import { openImageStore } from '../container/images/store/image-store.ts';
import { ensureLayerTool } from '../container/images/native/build-layer-tool.ts';
import { NO_LOWER } from '../container/images/layer/lower-view.ts';
import { unpackLayer } from '../container/images/layer/unpack.ts';
import { hexOf } from '../container/images/format/digest.ts';
import type { Image, RuntimeContext } from '../contract.ts';
import { requireFile } from '../parts/executable.ts';
import { sha256OfFile } from '../parts/identity.ts';
import { ensureImage, findImageIn } from './ensure-image.ts';
import { flattenLayers } from './flatten-layers.ts';
import { imageSource, type ImageOption } from './image-source.ts';
import { DEFAULT_RECIPE, type Recipe } from './recipe.ts';
import { describeTree, makeMountPoints } from './tree.ts';

/** The image of an arm, and which one it is. */
export interface ArmImage {
  image: Image;
  part: Part;
}

/** Length of a digest in the name of a cached tree. */
const NAME_DIGITS = 24;

/**
 * The userland of an arm whose options name one of its own: a tree as every other arm's, made once and kept under its
 * digest. Native, container and VM given the same image run on the same tree.
 *
 * @throws BenchError `image-is-disk` for a disk image with a system of its own; `arm-file-missing`; `image-unknown`;
 * `image-build-failed`; and what unpacking a hostile or damaged archive says.
 */
export async function armImage(option: ImageOption, context: RuntimeContext): Promise<ArmImage> {
  const source = imageSource(option);
  switch (source.kind) {
    case 'disk':
      throw new BenchError(
        'image-is-disk',
        `image: ${source.path} is a disk image with a system of its own`,
        {
          hint: 'only runtime qemu starts those; native and container take a root filesystem tarball or an image of the store',
        },
      );
    case 'recipe': {
      const recipe = changedRecipe(source.change);
      const image = await ensureImage(context.cacheDir, (line) => context.log(line), context.signal, recipe);
      return { image, part: partOf(image, `Debian ${recipe.suite}`) };
    }
    case 'tarball':
      return fromTarball(source.path, context);
    case 'reference':
      return fromStore(source.reference, context);
  }
}

/** Our own recipe, changed as asked; the packages are sorted, so that their order in a matrix makes no other image. */
export function changedRecipe({ suite, packages = [] }: { suite?: string; packages?: string[] }): Recipe {
  const more = [...new Set(packages)].filter((name) => !DEFAULT_RECIPE.packages.includes(name)).sort();
  return {
    ...DEFAULT_RECIPE,
    suite: suite ?? DEFAULT_RECIPE.suite,
    packages: [...DEFAULT_RECIPE.packages, ...more],
  };
}

async function fromTarball(path: string, context: RuntimeContext): Promise<ArmImage> {
  await requireFile(path, 'image');
  const digest = await sha256OfFile(path);
  const image = await ensureTree('tar', digest, context, async (rootfs) => {
    context.log(`unpacking ${path}`);
    await unpackLayer({
      file: path,
      what: path,
      digest: `sha256:${digest}`,
      diffId: null,
      lower: NO_LOWER,
      target: rootfs,
      tool: await ensureLayerTool(context.cacheDir),
      signal: context.signal,
    });
  });
  return { image, part: partOf(image, path) };
}

async function fromStore(reference: string, context: RuntimeContext): Promise<ArmImage> {
  const { cacheDir, signal } = context;
  const store = await openImageStore(cacheDir);
  const stored = await store.find(reference);
  if (!stored)
    throw new BenchError('image-unknown', `image: there is no image '${reference}' in the store`, {
      hint: 'bench image ls shows what there is; bench image pull, build and import bring more. A file is named ./so or ends in .tar',
    });
  const image = await ensureTree('oci', hexOf(stored.descriptor.digest), context, async (rootfs) => {
    const { layers } = await store.unpack(stored, signal);
    context.log(`laying out ${reference} (${layers.length} layers)`);
    await flattenLayers(layers, rootfs, context);
  });
  return { image, part: partOf(image, stored.name ?? reference) };
}

/** `images/<kind>-<digest>/rootfs`, made aside by `fill` when it is not there, with the folders that every arm mounts on. */
async function ensureTree(
  kind: 'tar' | 'oci',
  digest: string,
  { cacheDir }: RuntimeContext,
  fill: (rootfs: string) => Promise<void>,
): Promise<Image> {
  const folder = join(cacheDir, 'images', `${kind}-${digest.slice(0, NAME_DIGITS)}`);
  const cached = await findImageIn(folder);
  if (cached) return cached;
  await mkdir(dirname(folder), { recursive: true });
  const aside = await mkdtemp(join(dirname(folder), '.building-'));
  try {
    await chmod(aside, 0o755);
    const rootfs = join(aside, 'rootfs');
    await mkdir(rootfs, { mode: 0o755 });
    await fill(rootfs);
    await makeMountPoints(rootfs);
    const image: Image = { digest, ...(await describeTree(rootfs)) };
    await writeFile(join(aside, 'image.json'), JSON.stringify(image, null, 2) + '\n');
    await rename(aside, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else finished the same image first: theirs is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const made = await findImageIn(folder);
  if (!made)
    throw new BenchError('image-build-failed', `the image vanished from ${folder} while it was made`);
  return made;
}

function partOf(image: Image, path: string): Part {
  return { path, version: image.suite || null, sha256: image.digest, chosen: true };
}
