import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { MNT_DETACH, MOUNT_ATTR, MS } from '../launch/constants.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';

/** A trial's own root on the host's mount table: the image read-only, the host's /proc, /sys and /dev, own /data and /tmp. */
export interface NativeRoot {
  path: string;
  /** Host folder behind /data. */
  dataFolder: string;
  folder: string;
}

/** Writable folders of the root and where they are below the trial's folder. All exist in a Debian image. */
const WRITABLE = {
  '/data': 'data',
  '/tmp': 'tmp',
  '/var/tmp': 'var-tmp',
  '/run': 'run',
  '/root': 'home',
} as const;
/** Everything but our own folders is mounted read-only: nothing that goes wrong can reach the image or the host through it. */
const HOST_VIEWS = ['/proc', '/sys', '/dev'] as const;

export function nativeRootAt(folder: string): NativeRoot {
  return { folder, path: join(folder, 'root'), dataFolder: join(folder, WRITABLE['/data']) };
}

/** The host's folder behind a path inside that can be written; undefined for the read-only rest. */
export function writablePath(root: NativeRoot, inside: string): string | undefined {
  const path = normalize(inside);
  const found = Object.entries(WRITABLE).find(([target]) => path === target || path.startsWith(`${target}/`));
  return found && join(root.folder, found[1], path.slice(found[0].length));
}

/** The mounts in order; undone in reverse by nativeUnmountPlan. */
export function nativeMountPlan(root: NativeRoot, rootfs: string): LaunchPlan {
  return [diesWithUs(), ...nativeMountOps(root, rootfs, false)];
}

/**
 * The same mounts as root of a user namespace sees them: the host's come as one locked whole, and can only be bound with all
 * that is below them.
 */
export function nativeMountOps(root: NativeRoot, rootfs: string, locked: boolean): Op[] {
  const bind = (source: string, target: string, set: number, recursive = 0): Op => ({
    op: 'bind',
    source,
    target,
    recursive,
    set,
    clear: 0,
    follow: 0,
  });
  return [
    bind(rootfs, root.path, MOUNT_ATTR.RDONLY),
    // Or what is mounted below would appear in the image as well, wherever the host's root is a shared mount.
    { op: 'propagation', path: root.path, flags: MS.PRIVATE },
    { op: 'root', path: root.path },
    // With what is mounted below: the inside reads its limits from /sys/fs/cgroup.
    ...HOST_VIEWS.map((view) => bind(view, view, MOUNT_ATTR.RDONLY, locked || view === '/sys' ? 2 : 0)),
    ...Object.entries(WRITABLE).map(([target, name]) =>
      bind(join(root.folder, name), target, MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV),
    ),
  ];
}

export function nativeUnmountPlan(root: NativeRoot): LaunchPlan {
  const targets = [...Object.keys(WRITABLE).reverse(), ...[...HOST_VIEWS].reverse(), ''];
  return targets.map((target) => ({ op: 'unmount', path: join(root.path, target), flags: MNT_DETACH }));
}

export function makeNativeFolders(root: NativeRoot): void {
  mkdirSync(root.path, { recursive: true });
  for (const name of Object.values(WRITABLE)) mkdirSync(join(root.folder, name), { recursive: true });
}

export async function mountNativeRoot(launcher: string, root: NativeRoot, rootfs: string): Promise<void> {
  makeNativeFolders(root);
  await runPlan({ launcher, plan: nativeMountPlan(root, rootfs) });
}

/** Idempotent. The folder is removed only after every mount below it is gone, so that nothing is deleted through one. */
export async function removeNativeRoot(launcher: string, root: NativeRoot): Promise<void> {
  await runPlan({ launcher, plan: nativeUnmountPlan(root) });
  await rm(root.folder, { recursive: true, force: true });
}
