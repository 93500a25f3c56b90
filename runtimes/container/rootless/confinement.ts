import { BenchError } from '../../../results/bench-error.ts';
import type { HostCost } from '../../../results/record/trial.ts';
import type { Cgroup, IoBytes } from '../../cgroup/cgroup.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import type { CgroupLayout } from '../../cgroup/layout.ts';
import type { Op } from '../../launch/ops.ts';
import { cpuMask } from '../../network/cpu-mask.ts';
import { hasFolders, makeCgroup, NO_CGROUPS, ownCgroup } from './cgroup-place.ts';
import { costOfProcesses, type CpuTime } from './process-tree.ts';

/** What programs of a box that have ended were billed. */
export type Ended = IoBytes & CpuTime;

/** What keeps a measured box to its resources and says what it used: a cgroup, or what an ordinary user has without one. */
export type Confinement = Pick<
  Cgroup,
  'folders' | 'joinOps' | 'attachChildOps' | 'throttledMs' | 'oomKills' | 'freeze' | 'killAll' | 'destroy'
> & {
  layout: CgroupLayout;
  cost(diskBytes: number | null, ended: Ended): HostCost;
  /** Before the box's first process: for what cannot be set on it from outside. */
  beforeOps(): Op[];
};

/** Without a cgroup: CPUs by the scheduler's mask, costs from /proc and from what wait told. Nothing limits memory. */
export class Uncontrolled implements Confinement {
  readonly layout: CgroupLayout = NO_CGROUPS;
  readonly folders: string[] = [];
  readonly #cpuset: readonly number[];
  readonly #pids: () => number[];

  /** @param pids the box's living processes. */
  constructor(cpuset: readonly number[], pids: () => number[]) {
    this.#cpuset = cpuset;
    this.#pids = pids;
  }

  beforeOps(): Op[] {
    return this.#cpuset.length > 0 ? [{ op: 'affinity', mask: cpuMask(this.#cpuset) }] : [];
  }

  joinOps(): Op[] {
    return this.beforeOps();
  }

  attachChildOps(): Op[] {
    return [];
  }

  cost(diskBytes: number | null, ended: Ended): HostCost {
    return costOfProcesses(this.#pids(), ended, diskBytes);
  }

  throttledMs(): null {
    return null;
  }

  oomKills(): number {
    return 0;
  }

  freeze(): Promise<void> {
    return Promise.reject(new BenchError('rootless-pause', 'a box without a cgroup cannot be paused'));
  }

  /** Its first process is ended by whoever holds it, and all others with the pid namespace. */
  killAll(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

/** The confinement of a trial of an ordinary user: a delegated cgroup where there is one. */
export function userConfinement(
  path: readonly string[],
  limits: CgroupLimits,
  pids: () => number[],
): Confinement {
  const cgroup = ownCgroup(...path);
  if (!hasFolders(cgroup)) return new Uncontrolled(limits.cpuset ?? [], pids);
  makeCgroup(cgroup, withoutUndelegated(cgroup, limits));
  return Object.assign(cgroup, { beforeOps: (): Op[] => pinned(cgroup, limits) });
}

/** A CPU set is seldom delegated: then the mask holds it. */
function withoutUndelegated(cgroup: Cgroup, limits: CgroupLimits): CgroupLimits {
  return hasController(cgroup, 'cpuset') ? limits : { ...limits, cpuset: undefined };
}

function pinned(cgroup: Cgroup, limits: CgroupLimits): Op[] {
  return limits.cpuset && !hasController(cgroup, 'cpuset')
    ? [{ op: 'affinity', mask: cpuMask(limits.cpuset) }]
    : [];
}

function hasController(cgroup: Cgroup, name: string): boolean {
  return cgroup.layout.v2?.controllers.includes(name) ?? false;
}
