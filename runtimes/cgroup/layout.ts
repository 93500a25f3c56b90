import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Controllers we use. On v2 cpuacct and freezer are part of the core, devices is a program. */
export type Controller =
  'cpuset' | 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'freezer' | 'blkio' | 'io' | 'devices';

/**
 * How the host arranges cgroups. `v1` maps a controller to its hierarchy's mount point (several may share one); `v2` is
 * the unified mount with the controllers it offers. A hybrid host has both, and each controller in one place only.
 */
export interface CgroupLayout {
  v1: Partial<Record<Controller, string>>;
  v2: { mount: string; controllers: string[] } | null;
}

const V1_NAMES: readonly Controller[] = [
  'cpuset',
  'cpu',
  'cpuacct',
  'memory',
  'pids',
  'freezer',
  'blkio',
  'devices',
];

/**
 * The layout, from the text of /proc/self/mountinfo. `readControllers` gives cgroup.controllers of a v2 mount.
 * Only the first mount of a hierarchy counts: later ones are other views of it.
 */
export function parseLayout(mountinfo: string, readControllers: (mount: string) => string): CgroupLayout {
  const layout: CgroupLayout = { v1: {}, v2: null };
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mount = unescapeOctal(left.split(' ')[4] ?? '');
    const [type = '', , superOptions = ''] = right.split(' ');
    if (type === 'cgroup2' && layout.v2 === null)
      layout.v2 = { mount, controllers: readControllers(mount).split(/\s+/).filter(Boolean) };
    if (type !== 'cgroup') continue;
    for (const option of superOptions.split(',')) {
      const controller = V1_NAMES.find((name) => name === option);
      if (controller) layout.v1[controller] ??= mount;
    }
  }
  return layout;
}

/** The layout of this host. */
export function hostLayout(): CgroupLayout {
  return parseLayout(readFileSync('/proc/self/mountinfo', 'utf8'), (mount) => {
    try {
      return readFileSync(join(mount, 'cgroup.controllers'), 'utf8');
    } catch {
      return '';
    }
  });
}

/** True when v2 carries the controllers that limit (cpu, memory), so that nothing is to be made on v1. */
export function isUnified(layout: CgroupLayout): boolean {
  const offered = layout.v2?.controllers ?? [];
  return offered.includes('memory') && offered.includes('cpu');
}

/** 'v2', 'v1' or 'hybrid' as an admin would call it. */
export function layoutName(layout: CgroupLayout): 'v1' | 'v2' | 'hybrid' | 'none' {
  if (isUnified(layout)) return 'v2';
  if (Object.keys(layout.v1).length === 0) return 'none';
  return layout.v2 ? 'hybrid' : 'v1';
}

/** The distinct mount points a cgroup of ours gets a folder under. */
export function hierarchies(layout: CgroupLayout): string[] {
  if (isUnified(layout)) return [layout.v2?.mount ?? ''];
  return [...new Set(Object.values(layout.v1))];
}

/** Mount points in mountinfo write space, tab, newline and backslash as octal. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
