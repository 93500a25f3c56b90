import { CLONE } from '../../launch/constants.ts';
import type { LaunchPlan, Op } from '../../launch/ops.ts';
import type { OciProcess } from '../spec/oci-spec.ts';
import { execOp, processOps, type SeccompProgram } from './process-ops.ts';

/** A running container, as exec needs to know it. */
export interface RunningContainer {
  /** Host pid of its first process, and that process's start time, so that the number is never another's. */
  pid: number;
  startTime: string;
  /** Namespaces it has of its own (CLONE_NEW* bits). */
  namespaces: number;
  joinOps: readonly Op[];
}

/** All that our containers have by default. */
export const ALL_NAMESPACES =
  CLONE.NEWNS | CLONE.NEWPID | CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS | CLONE.NEWCGROUP;

export interface ExecContext {
  owner: Op | null;
  seccomp: SeccompProgram | null;
  preserveFds: number;
  before: readonly Op[];
  terminal: readonly Op[];
  setGroups: boolean;
  /** A v2 cgroup to be born into. */
  birthCgroup: string | null;
  /** In the waiting parent's part. */
  parent?: readonly Op[];
  /** Operations just before the program: a start gate. */
  beforeExec?: readonly Op[];
}

/** Another process in a running container: cgroup first (its files are the host's), then all namespaces at once. */
export function execPlan(container: RunningContainer, process: OciProcess, context: ExecContext): LaunchPlan {
  return [
    ...(context.owner ? [context.owner] : []),
    { op: 'keyring', name: '' },
    ...context.before,
    ...(context.birthCgroup === null ? container.joinOps : []),
    ...(context.birthCgroup === null
      ? []
      : [{ op: 'open', slot: 3, path: context.birthCgroup, flags: 0o200000, mode: 0 } as const]),
    // Before it can be seen inside: a process of the inside must not trace this one (CVE-2016-9962).
    { op: 'dumpable', value: 0 },
    {
      op: 'setns-pid',
      pid: container.pid,
      startTime: BigInt(container.startTime),
      flags: container.namespaces,
    },
    {
      op: 'clone',
      flags: 0,
      parentOps: context.parent?.length ?? 0,
      cgroupSlot: context.birthCgroup === null ? -1 : 3,
    },
    ...(context.parent ?? []),
    ...(context.owner ? [{ op: 'death-signal', signal: 9, parent: 0 } as const] : []),
    { op: 'session' },
    ...context.terminal,
    ...processOps(
      process,
      {
        seccomp: context.seccomp,
        preserveFds: context.preserveFds,
        diesWithParent: context.owner !== null,
        beforeExec: context.beforeExec ?? [],
        setGroups: context.setGroups,
      },
      execOp(process),
    ),
  ];
}
