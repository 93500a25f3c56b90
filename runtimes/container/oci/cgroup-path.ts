import { BenchError } from '../../../results/bench-error.ts';

/** Where containers go that name no cgroup: beside the harness's own folder, which its sweep looks after. */
const DEFAULT_PARENT = 'tare-oci';

/**
 * linux.cgroupsPath → the path below the hierarchies. Plain paths are taken as they are; systemd's 'slice:prefix:name' is
 * expanded to the folders that systemd would make, as we write to cgroupfs and do not ask systemd. Pure.
 */
export function cgroupPathOf(cgroupsPath: string | null | undefined, id: string): string {
  if (!cgroupsPath) return `${DEFAULT_PARENT}/${id}`;
  const parts = cgroupsPath.split(':');
  const path = parts.length === 3 ? systemdPath(parts[0]!, parts[1]!, parts[2]!) : cgroupsPath;
  const folders = path.split('/').filter((part) => part !== '');
  if (folders.length === 0 || folders.some((part) => part === '.' || part === '..'))
    throw new BenchError('oci-cgroup-path', `'${cgroupsPath}' is no path for a cgroup of a container`);
  return folders.join('/');
}

/** 'a-b.slice' lies in 'a.slice': each dash is a level (systemd.slice(5)). */
function systemdPath(slice: string, prefix: string, name: string): string {
  const leaf = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  const words = (slice === '' ? 'system.slice' : slice).replace(/\.slice$/, '').split('-');
  const levels = words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`);
  return [...(slice === '-.slice' ? [] : levels), leaf].join('/');
}
