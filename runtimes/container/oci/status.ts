import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { processStartTime } from '../../sweep/process-start-time.ts';
import type { ContainerState, StateRoot } from './state.ts';

/** The specification's states, and 'paused', which every runtime adds. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** What the kernel says about a container's first process. */
export interface Observed {
  /** Start time of the process with that pid now; undefined when there is none, or only its zombie. */
  startTime: string | undefined;
  startFifoExists: boolean;
  frozen: boolean;
}

/** The state by what is there, never by what was written down: a container may end while nobody looks. Pure. */
export function statusOf(state: Pick<ContainerState, 'pid' | 'startTime'>, observed: Observed): Status {
  if (state.pid === 0) return 'creating';
  if (observed.startTime === undefined || observed.startTime !== state.startTime) return 'stopped';
  if (observed.frozen) return 'paused';
  return observed.startFifoExists ? 'created' : 'running';
}

/** The state of a container now. */
export function currentStatus(root: StateRoot, state: ContainerState): Status {
  return statusOf(state, {
    startTime: state.pid === 0 ? undefined : processStartTime(state.pid),
    startFifoExists: existsSync(root.startFifo(state.id)),
    frozen: isFrozen(new Cgroup(state.cgroupPath)),
  });
}

function isFrozen(cgroup: Cgroup): boolean {
  const folder = cgroup.folder('freezer');
  if (folder === undefined) return false;
  try {
    if (isUnified(cgroup.layout)) return readFileSync(join(folder, 'cgroup.freeze'), 'utf8').trim() === '1';
    return readFileSync(join(folder, 'freezer.state'), 'utf8').trim() !== 'THAWED';
  } catch {
    return false;
  }
}

/** What `state` and `list` print: the specification's state with the keys that runc adds. */
export function publicState(state: ContainerState, status: Status): Record<string, unknown> {
  return {
    ociVersion: state.ociVersion,
    id: state.id,
    pid: status === 'stopped' || status === 'creating' ? 0 : state.pid,
    status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    annotations: state.annotations,
    owner: '',
  };
}
