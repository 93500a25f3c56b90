import { mkdirSync, statSync } from 'node:fs';
import type { Cgroup } from '../cgroup/cgroup.ts';
import { isUnified } from '../cgroup/layout.ts';
import { diesWithUs, runPlan, type LaunchRequest } from '../launch/launch.ts';
import type { LaunchPlan } from '../launch/ops.ts';
import { insideLinkOps } from '../network/peer-network.ts';
import type { ExecResult } from '../contract.ts';
import { containerPlan, type OverlayPlan, type PlanContext } from './plan/container-plan.ts';
import { compileSeccomp } from './seccomp/compile.ts';
import type { UserNamespace } from './rootless/privilege.ts';
import type { OciSpec } from './spec/oci-spec.ts';

export interface OnceRequest extends Pick<
  LaunchRequest,
  'launcher' | 'stdin' | 'timeoutMs' | 'signal' | 'onOutput' | 'stdout' | 'stderr' | 'ahead'
> {
  spec: OciSpec;
  /** Layers of the root; null when spec.root.path is a tree of its own. */
  overlay: OverlayPlan | null;
  cgroup: Cgroup | null;
  /** The user namespace of an ordinary user's box; without it the box is root's. */
  namespace?: UserNamespace | null;
  /** Network operations; without them a new network namespace has its loopback only. */
  network?: PlanContext['network'];
  /** Operations before the clone: a namespace for the network's far end, device rules of v2. */
  before?: PlanContext['before'];
}

/** The plan of a container that lives as long as we wait for it. */
export function oncePlan(request: OnceRequest): LaunchPlan {
  const { spec, overlay, cgroup } = request;
  const unified = cgroup !== null && isUnified(cgroup.layout);
  return containerPlan(spec, {
    owner: diesWithUs(),
    userNamespace: request.namespace ?? null,
    overlay,
    attachOps: cgroup && !unified ? cgroup.attachChildOps() : [],
    birthCgroup: cgroup && unified ? (cgroup.folders[0] ?? null) : null,
    network: request.network ?? { parent: [], inside: insideLinkOps(null) },
    seccomp: spec.linux?.seccomp ? compileSeccomp(spec.linux.seccomp) : null,
    preserveFds: 0,
    main: 'exec',
    before: request.before ?? [],
    beforeExec: [],
    terminal: [],
    hookState: '',
    isFolder: (path) => statSync(path).isDirectory(),
    cgroupFolders: cgroup?.folders ?? [],
    unified,
  });
}

/** Runs a container's process to its end and collects its output. Its root's mount point is made when it is missing. */
export async function runOnce(request: OnceRequest): Promise<ExecResult> {
  mkdirSync(request.spec.root.path, { recursive: true });
  return runPlan({ ...request, plan: oncePlan(request) });
}
