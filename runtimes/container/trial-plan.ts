import { join } from 'node:path';
import type { Cgroup } from '../cgroup/cgroup.ts';
import { isUnified } from '../cgroup/layout.ts';
import type { RuntimeContext } from '../contract.ts';
import { diesWithUs } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';
import { insideLinkOps, peerNamespaceOps, vethParentOps } from '../network/peer-network.ts';
import { subnet, type Subnet } from '../network/subnet.ts';
import { containerPlan } from './plan/container-plan.ts';
import { ALL_NAMESPACES, execPlan } from './plan/exec-plan.ts';
import { ownCgroup } from './rootless/cgroup-place.ts';
import { hostPrivilege, userNamespace, type UserNamespace } from './rootless/privilege.ts';
import type { SeccompProgram } from './plan/process-ops.ts';
import { defaultProcess, defaultSpec } from './spec/default-spec.ts';

export interface TrialPlace {
  /** upper, work and root are below it. */
  folder: string;
  /** The image's tree. */
  rootfs: string;
  cgroup: Pick<Cgroup, 'layout' | 'folders' | 'attachChildOps'>;
  /** Of an ordinary user; null for root. */
  namespace: UserNamespace | null;
  deviceOps: readonly Op[];
  subnet: Subnet;
  seccomp: SeccompProgram | null;
}

/** The box of a trial as a launch plan: the image below an overlay, our init asleep in it. */
export function trialPlan(place: TrialPlace): LaunchPlan {
  const { folder, rootfs, cgroup, namespace, deviceOps, subnet, seccomp } = place;
  const unified = isUnified(cgroup.layout);
  const spec = defaultSpec({
    rootfs: join(folder, 'root'),
    argv: ['init'],
    rootless: namespace !== null,
    ttyGroup: namespace?.setGroups !== false,
  });
  return containerPlan(spec, {
    owner: diesWithUs(),
    userNamespace: namespace,
    overlay: { lower: [rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
    attachOps: unified ? [] : cgroup.attachChildOps(),
    birthCgroup: unified ? (cgroup.folders[0] ?? null) : null,
    network: { parent: vethParentOps(subnet), inside: insideLinkOps(subnet) },
    seccomp,
    preserveFds: 0,
    main: 'init',
    before: [...deviceOps, ...peerNamespaceOps()],
    beforeExec: [],
    terminal: [],
    hookState: '',
    isFolder: () => true,
    cgroupFolders: cgroup.folders,
    unified,
  });
}

/** Plans of the kind that a trial plays, of a box that is never made: a launcher must know what is in them. */
export function samplePlans({ owner, scratchDir }: RuntimeContext, seccomp: SeccompProgram): LaunchPlan[] {
  const cgroup = ownCgroup(owner, 'container');
  const namespace = userNamespace();
  const unified = isUnified(cgroup.layout);
  const birthCgroup = unified ? (cgroup.folders[0] ?? null) : null;
  const deviceOps: Op[] =
    unified && hostPrivilege().kind === 'root'
      ? [{ op: 'cgroup-device-filter', directory: cgroup.folders[0] ?? '', program: new Uint8Array(8) }]
      : [];
  const folder = join(scratchDir, 'container');
  return [
    trialPlan({ folder, rootfs: '/', cgroup, namespace, deviceOps, subnet: subnet(0), seccomp }),
    execPlan(
      { pid: 1, startTime: '0', namespaces: ALL_NAMESPACES, joinOps: cgroup.joinOps() },
      defaultProcess({ argv: ['true'] }),
      {
        ...{ owner: diesWithUs(), seccomp, preserveFds: 0, before: [], terminal: [], setGroups: true },
        birthCgroup,
      },
    ),
  ];
}
