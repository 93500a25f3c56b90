import { basename, join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { MOUNT_ATTR } from '../../launch/constants.ts';
import type { Op } from '../../launch/ops.ts';
import type { OciMount } from '../spec/oci-spec.ts';
import { parseMountOptions, type MountOptions } from './mount-options.ts';

/** What the mounts need to know of the host. */
export interface MountContext {
  /** Whether a bind's source is a folder (and not a file); asked at planning time. */
  isFolder: (path: string) => boolean;
  /** Folders of the container's cgroup, one per hierarchy; shown inside at the cgroup mount. */
  cgroupFolders: readonly string[];
  unified: boolean;
}

/** File systems of the kernel's own: nothing in an image may redirect where they go. */
const KERNEL_TYPES = ['proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2'];
const CGROUP_TMPFS = 'mode=755,size=16k';

/** One OCI mount as operations. Destinations are beneath the root; symbolic links in them stay inside, or are refused. */
export function mountOps(mount: OciMount, context: MountContext): Op[] {
  const target = absolute(mount.destination);
  const options = parseMountOptions(mount.options ?? []);
  const type = mount.type ?? '';
  if (type === 'cgroup' || type === 'cgroup2') return cgroupOps(target, options, context);
  const follow = KERNEL_TYPES.includes(type) || /^\/dev(\/|$)/.test(target) ? 0 : 1;
  const propagation: Op[] =
    options.propagation === 0 ? [] : [{ op: 'propagate', path: target, flags: options.propagation, follow }];
  if (options.bind !== 'no' || type === 'bind')
    return [...bindOps(mount, target, options, follow, context), ...propagation];
  return [
    { op: 'mkdir', path: target, mode: 0o755, follow },
    {
      op: 'mount',
      source: mount.source ?? type,
      target,
      type,
      flags: options.flags,
      data: options.data,
      follow,
    },
    ...propagation,
  ];
}

function bindOps(
  mount: OciMount,
  target: string,
  options: MountOptions,
  follow: number,
  context: MountContext,
): Op[] {
  const source = mount.source ?? '';
  if (!source.startsWith('/'))
    throw new BenchError('mount-source', `the mount on ${target} has no absolute source: '${source}'`);
  const place: Op = context.isFolder(source)
    ? { op: 'mkdir', path: target, mode: 0o755, follow }
    : { op: 'touch', path: target, mode: 0o644, follow };
  return [
    place,
    {
      op: 'bind',
      source,
      target,
      recursive: options.bind === 'rbind' ? (options.recursiveAttributes ? 2 : 1) : 0,
      set: options.set,
      clear: options.clear,
      follow,
    },
  ];
}

/**
 * The container's own cgroups and nothing above them. Bound from the host rather than mounted afresh: the same view, and
 * it need not wait until the process has joined.
 */
function cgroupOps(target: string, options: MountOptions, context: MountContext): Op[] {
  const { cgroupFolders, unified } = context;
  if (cgroupFolders.length === 0) return [];
  const bind = (source: string, at: string): Op => ({
    op: 'bind',
    source,
    target: at,
    recursive: 0,
    set: options.set,
    clear: options.clear,
    follow: 0,
  });
  if (unified) return [bind(cgroupFolders[0] ?? '', target)];
  return [
    {
      op: 'mount',
      source: 'cgroup',
      target,
      type: 'tmpfs',
      flags: options.flags & ~1,
      data: CGROUP_TMPFS,
      follow: 0,
    },
    ...cgroupFolders.flatMap((folder): Op[] => {
      const at = join(target, hierarchyName(folder));
      return [{ op: 'mkdir', path: at, mode: 0o755, follow: 0 }, bind(folder, at)];
    }),
    ...((options.set & MOUNT_ATTR.RDONLY) === 0
      ? []
      : [{ op: 'remount', path: target, set: MOUNT_ATTR.RDONLY, clear: 0 } as const]),
  ];
}

/** /sys/fs/cgroup/cpu,cpuacct/tare/x → cpu,cpuacct: the folder below the common mount point. */
function hierarchyName(folder: string): string {
  const match = /^\/sys\/fs\/cgroup\/([^/]+)/.exec(folder);
  return match?.[1] ?? basename(folder);
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
