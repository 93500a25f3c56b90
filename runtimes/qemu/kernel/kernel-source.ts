import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { Part } from '../../../results/record/plan.ts';
import type { Image } from '../../contract.ts';
import { pathInside } from '../../image/tree.ts';
import { requireFile } from '../../parts/executable.ts';
import { sha256OfFile } from '../../parts/identity.ts';
import { kernelFacts, type KernelFacts } from './kernel-file.ts';

/** A kernel to boot: where it is, where its modules are, and which one it is. */
export interface KernelSource extends KernelFacts {
  file: string;
  /** Its `lib/modules/<release>`; null when there is none and every driver must be built in. */
  modules: string | null;
  part: Part;
}

/** The kernel that an image brings in /boot. @throws BenchError `vm-kernel-missing`. */
export async function kernelOfImage(image: Image, chosen = false): Promise<KernelSource> {
  const { rootfs, kernelRelease } = image;
  const file = kernelRelease === '' ? undefined : pathInside(rootfs, `boot/vmlinuz-${kernelRelease}`);
  if (file === undefined)
    throw new BenchError(
      'vm-kernel-missing',
      'the image has no kernel in /boot with modules in /lib/modules',
      {
        hint: 'kernel: and modules: name one on this host',
      },
    );
  const modules = pathInside(rootfs, `lib/modules/${kernelRelease}`) ?? null;
  return describe(file, modules, chosen);
}

/**
 * The kernel that an arm's options name. Its modules are looked for where the option says, else where a kernel of that
 * release keeps them: beside its own /boot, on this host, in the run's image.
 *
 * @throws BenchError `arm-file-…`, `vm-kernel-unreadable`, `vm-kernel-modules`.
 */
export async function kernelOfOption(
  options: { kernel: string; modules?: string },
  image: Image | null,
): Promise<KernelSource> {
  const { kernel: file, modules: asked } = options;
  await requireFile(file, 'kernel');
  const { release } = kernelFacts(await readFile(file), file);
  if (asked !== undefined) {
    if (!(await isFolder(asked)))
      throw new BenchError('vm-kernel-modules', `modules: there is no folder ${asked}`, {
        hint: 'name lib/modules/<release>, the folder that holds modules.dep and kernel/',
      });
    return describe(file, asked, true);
  }
  const below = ['lib/modules', 'usr/lib/modules'];
  const places = [
    ...below.map((path) => join(dirname(dirname(file)), path, release)),
    ...below.map((path) => join('/', path, release)),
    ...(image ? [pathInside(image.rootfs, `lib/modules/${release}`) ?? ''] : []),
  ];
  for (const place of places)
    if (basename(place) === release && (await isFolder(place))) return describe(file, place, true);
  return describe(file, null, true);
}

async function describe(file: string, modules: string | null, chosen: boolean): Promise<KernelSource> {
  const facts = kernelFacts(await readFile(file), file);
  const part = { path: file, version: facts.release, sha256: await sha256OfFile(file), chosen };
  return { ...facts, file, modules, part };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
