import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveInside } from '../container/images/build/image-path.ts';
import { LayerStack } from '../container/images/layer/lower-view.ts';
import type { Image } from '../contract.ts';
import { MEASURING_PACKAGES } from './recipe.ts';

/** Folders that the arms mount on; an image of somebody else's lacks /data, and a small one more than that. */
const MOUNT_POINTS = ['proc', 'sys', 'dev', 'run', 'root', 'tmp', 'var/tmp', 'data'];

/** A path of a tree as a process chrooted into it would find it: no link leads out. `undefined` when it is not there. */
export function pathInside(rootfs: string, path: string): string | undefined {
  const view = new LayerStack([{ tree: rootfs, opaque: new Set(), xattrs: new Map() }]);
  const { path: parts, sight } = resolveInside(view, path);
  return sight.type === 'absent' ? undefined : join(rootfs, ...parts);
}

/** Makes what is missing of the folders that the arms mount on; beneath a link nothing is made. */
export async function makeMountPoints(rootfs: string): Promise<void> {
  const view = new LayerStack([{ tree: rootfs, opaque: new Set(), xattrs: new Map() }]);
  for (const point of MOUNT_POINTS) {
    const { path, sight } = resolveInside(view, point);
    if (sight.type === 'absent')
      await mkdir(join(rootfs, ...path), { recursive: true, mode: point.endsWith('tmp') ? 0o1777 : 0o755 });
  }
}

/** What a tree says of itself; '' and {} where it says nothing. */
export async function describeTree(rootfs: string): Promise<Omit<Image, 'digest'>> {
  const status = await textInside(rootfs, 'var/lib/dpkg/status');
  const release = await textInside(rootfs, 'etc/os-release');
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1];
  return {
    rootfs,
    kernelRelease: await kernelReleaseIn(rootfs),
    suite: field('VERSION_CODENAME') ?? field('PRETTY_NAME') ?? '',
    packages: packageVersions(status),
  };
}

/** The newest `/boot/vmlinuz-<release>` of a tree whose modules are there too; '' when there is none. */
export async function kernelReleaseIn(rootfs: string): Promise<string> {
  const boot = pathInside(rootfs, 'boot');
  const names = boot === undefined ? [] : await readdir(boot).catch(() => []);
  const releases = names.flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);
  const withModules = releases.filter(
    (release) => pathInside(rootfs, `lib/modules/${release}`) !== undefined,
  );
  return withModules.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? '';
}

/** Package → version of the measuring packages, from a dpkg status file. */
export function packageVersions(status: string): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const paragraph of status.split('\n\n')) {
    const name = /^Package: (.+)$/m.exec(paragraph)?.[1];
    const version = /^Version: (.+)$/m.exec(paragraph)?.[1];
    if (name && version && MEASURING_PACKAGES.includes(name)) versions[name] = version;
  }
  return versions;
}

async function textInside(rootfs: string, path: string): Promise<string> {
  const file = pathInside(rootfs, path);
  return file === undefined ? '' : readFile(file, 'utf8').catch(() => '');
}
