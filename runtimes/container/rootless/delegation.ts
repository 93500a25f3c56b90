import { dirname, join } from 'node:path';
import { isUnified, type CgroupLayout } from '../../cgroup/layout.ts';

/** Questions about the cgroup file system; handed in, so that the choice is tested without one. */
export interface CgroupView {
  layout: CgroupLayout;
  /** /proc/self/cgroup */
  own: string;
  /** Whether we may make children in a folder, move processes into it and hand controllers down from it. */
  writable(folder: string): boolean;
  /** cgroup.controllers of a folder. */
  controllers(folder: string): string[];
  /** cgroup.procs of a folder. */
  processes(folder: string): number[];
}

/** Where an ordinary user's cgroups can be made, or why nowhere. */
export type Delegation =
  | {
      kind: 'delegated';
      /** A layout of v2 with the controllers that were handed to us. */
      layout: CgroupLayout;
      /** Path of our parent below the mount. */
      parent: string;
      /**
       * Processes right in the delegated group, and the leaf they have to move to first: a group with processes of its own cannot
       * hand controllers down (cgroup v2, "no internal processes").
       */
      move: { leaf: string; pids: number[] } | null;
    }
  | { kind: 'none'; reason: string; remedy: string };

const PARENT = 'tare';
const LEAF = 'tare-callers';
const BY_SYSTEMD = 'systemd-run --user --scope -p Delegate=yes bench …';

/**
 * The topmost group at or above our own that is ours to write. Groups beside our own branch are no help: moving a process needs
 * write access to the common ancestor as well. Pure.
 */
export function chooseDelegation(view: CgroupView): Delegation {
  const { layout } = view;
  if (!isUnified(layout) || layout.v2 === null)
    return {
      kind: 'none',
      reason: 'cgroup v1 gives ordinary users no controllers',
      remedy: 'run as root, or boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)',
    };
  const { mount } = layout.v2;
  const own = /^0::(\/.*)$/m.exec(view.own)?.[1];
  if (own === undefined || own.includes('/../'))
    return { kind: 'none', reason: 'our own cgroup is not below the mounted hierarchy', remedy: BY_SYSTEMD };
  const top = topWritable(mount, own, view.writable);
  if (top === null)
    return {
      kind: 'none',
      reason: `the cgroup of this session (${own}) is not ours to write`,
      remedy: BY_SYSTEMD,
    };
  const folder = join(mount, top);
  const offered = view.controllers(folder);
  const lacking = ['cpu', 'memory'].filter((name) => !offered.includes(name));
  if (lacking.length > 0)
    return {
      kind: 'none',
      reason: `the controllers ${lacking.join(' and ')} are not delegated to ${top}`,
      remedy: 'as root: systemctl set-property user@.service Delegate=yes, then log in again',
    };
  const pids = view.processes(folder);
  return {
    kind: 'delegated',
    layout: { v1: {}, v2: { mount, controllers: offered } },
    parent: join(top, PARENT).replace(/^\//, ''),
    move: pids.length > 0 ? { leaf: join(folder, LEAF), pids } : null,
  };
}

function topWritable(mount: string, own: string, writable: CgroupView['writable']): string | null {
  let top: string | null = null;
  for (let path = own; writable(join(mount, path)); path = dirname(path)) {
    top = path;
    if (path === '/') break;
  }
  return top;
}
