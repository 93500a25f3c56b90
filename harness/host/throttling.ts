import { join } from 'node:path';
import { PARENT } from '../../runtimes/cgroup/cgroup.ts';
import { isUnified, parseLayout } from '../../runtimes/cgroup/layout.ts';
import type { ReadText } from './read-text.ts';

/**
 * The cpu.stat files of the control groups that hold the run: this process's own with its parents, and those that every
 * box stands in. The kernel counts in each only what its own quota stopped, so their sum is what somebody else's quota
 * (a CI job's, an orchestrator's) took from the run. The box's own group is not among them: a quota there was given by
 * the matrix and is what is measured.
 */
export function throttleFiles(read: ReadText): string[] {
  const layout = parseLayout(
    read('/proc/self/mountinfo') ?? '',
    (mount) => read(join(mount, 'cgroup.controllers')) ?? '',
  );
  const mount = isUnified(layout) ? layout.v2?.mount : layout.v1.cpu;
  if (mount === undefined) return [];
  const own = ownGroup(read('/proc/self/cgroup') ?? '', isUnified(layout));
  const groups = new Set([...withParents(own), '/', `/${PARENT}`]);
  return [...groups].map((group) => join(mount, group, 'cpu.stat'));
}

/** Time in which quotas on those groups stopped what is in them, so far, ms; null where no file tells it. */
export function throttledByOthersMs(read: ReadText, files: readonly string[]): number | null {
  let sum: number | null = null;
  for (const file of files) {
    const [, unit, amount] = /^throttled_(usec|time) (\d+)$/m.exec(read(file) ?? '') ?? [];
    // v2 counts in µs, v1 in ns.
    if (amount !== undefined) sum = (sum ?? 0) + Number(amount) / (unit === 'usec' ? 1e3 : 1e6);
  }
  return sum;
}

/**
 * How often the given CPUs were slowed for heat so far: their own events, and those of their package (which every CPU of it
 * tells, so they count once). Null where the kernel does not say, as in most guests.
 */
export function thermalEvents(read: ReadText, cpus: readonly number[]): number | null {
  let cores: number | null = null;
  const packages = new Map<string, number>();
  for (const cpu of cpus) {
    const folder = `/sys/devices/system/cpu/cpu${cpu}`;
    const core = count(read(`${folder}/thermal_throttle/core_throttle_count`));
    if (core !== null) cores = (cores ?? 0) + core;
    const whole = count(read(`${folder}/thermal_throttle/package_throttle_count`));
    if (whole !== null) packages.set(read(`${folder}/topology/physical_package_id`) ?? '0', whole);
  }
  if (cores === null && packages.size === 0) return null;
  return [...packages.values()].reduce((sum, one) => sum + one, cores ?? 0);
}

/** The path of this process's group in the hierarchy that limits CPU time. */
function ownGroup(cgroups: string, unified: boolean): string {
  for (const line of cgroups.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path && (unified ? controllers === '' : controllers.split(',').includes('cpu'))) return path;
  }
  return '/';
}

function withParents(group: string): string[] {
  const parts = group.split('/').filter(Boolean);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

function count(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}
