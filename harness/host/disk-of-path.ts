import { readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readText, type ReadText } from './read-text.ts';

/** What a folder's bytes lie on. */
export interface DiskOfPath {
  filesystem: string;
  /** Kernel name of the whole disk, e.g. 'nvme0n1', 'vda'; null for memory and network file systems. */
  device: string | null;
  /** 'nvme ssd', 'ssd', 'rotating', 'virtual', 'memory', 'unknown'. */
  kind: string;
}

/** One mount of /proc/self/mountinfo: where, and of what. */
interface Mount {
  device: string;
  point: string;
  filesystem: string;
}

/** The mount that holds `path`: the longest mount point above it, the last of equals (it covers the others). */
export function mountOf(path: string, mountinfo: string): Mount | null {
  let found: Mount | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const filesystem = right?.split(' ')[0];
    if (fields.length < 6 || !filesystem) continue;
    // Spaces and such are written as octal escapes (man 5 proc).
    const point = fields[4]!.replace(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const holds = point === '/' || path === point || path.startsWith(`${point}/`);
    if (holds && (!found || point.length >= found.point.length))
      found = { device: fields[2]!, point, filesystem };
  }
  return found;
}

/** The nearest existing folder at or above `path`, so that a cache folder may be asked about before it is made. */
function existing(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (statSync(folder, { throwIfNoEntry: false })) return folder;
    if (folder === dirname(folder)) return folder;
  }
}

/** Looks up the disk under a path; never throws, says 'unknown' instead. */
export function diskOfPath(path: string, read: ReadText = readText): DiskOfPath {
  const mount = mountOf(existing(path), read('/proc/self/mountinfo') ?? '');
  if (!mount) return { filesystem: 'unknown', device: null, kind: 'unknown' };
  const { filesystem } = mount;
  if (filesystem === 'tmpfs' || filesystem === 'ramfs') return { filesystem, device: null, kind: 'memory' };
  let sysfs: string;
  try {
    sysfs = readlinkSync(`/sys/dev/block/${mount.device}`);
  } catch {
    return { filesystem, device: null, kind: 'unknown' };
  }
  const names = sysfs.split('/').slice(sysfs.split('/').indexOf('block') + 1);
  const device = names[0] ?? null;
  if (device === null) return { filesystem, device, kind: 'unknown' };
  return { filesystem, device, kind: kindOf(device, read(`/sys/block/${device}/queue/rotational`)) };
}

/** A virtual disk says whatever its host told it to, so its 'rotational' is not believed. */
function kindOf(device: string, rotational: string | null): string {
  if (/^(vd|xvd|loop|dm-|md|zram|nbd)/.test(device)) return 'virtual';
  if (device.startsWith('nvme')) return 'nvme ssd';
  if (rotational === '1') return 'rotating';
  return rotational === '0' ? 'ssd' : 'unknown';
}
