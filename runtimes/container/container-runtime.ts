import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Resources } from '../../results/record/plan.ts';
import { createCgroup } from '../cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../cgroup/device-rules.ts';
import { layoutName } from '../cgroup/layout.ts';
import type { Image, Instance, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { imageOfArm } from '../image/image-of-arm.ts';
import { armLauncher } from '../launch/arm-launcher.ts';
import { startPlan, type Launched } from '../launch/launch.ts';
import type { Op } from '../launch/ops.ts';
import { probeHost } from '../native/native-runtime.ts';
import {
  exchangeableLabel,
  exchangeableSchema,
  resolveExchangeable,
  type Exchangeable,
} from '../native/options.ts';
import { enterOps, openPeer } from '../network/peer.ts';
import { nextSubnet } from '../network/subnet.ts';
import { ContainerInstance } from './container-instance.ts';
import type { SeccompProgram } from './plan/process-ops.ts';
import { losses } from './rootless/abilities.ts';
import { ownDelegation } from './rootless/cgroup-place.ts';
import { userConfinement, type Confinement } from './rootless/confinement.ts';
import { hostPrivilege, userNamespace } from './rootless/privilege.ts';
import { processesWith } from './rootless/process-tree.ts';
import { removeTree } from './rootless/remove-tree.ts';
import { compileSeccomp } from './seccomp/compile.ts';
import { defaultSeccomp } from './seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from './spec/capabilities.ts';
import { samplePlans, trialPlan } from './trial-plan.ts';

/** Our own runtime: the image below an overlay, all namespaces, the default restrictions, a veth network. */
export const containerRuntime: Runtime<Exchangeable> = {
  id: 'container',
  summary: "a container by Tare's own runtime: namespaces, overlay, cgroup, capabilities, veth",
  optionsSchema: exchangeableSchema,
  label: (options) => exchangeableLabel('container', options),
  resolvePaths: resolveExchangeable,
  needsImage: true,
  probe: () => Promise.resolve(probeHost()),
  async prepare(runImage: Image | null, options: Exchangeable, context: RuntimeContext): Promise<Prepared> {
    const seccomp = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES));
    const { launcher, part } = await armLauncher(
      options.launcher,
      samplePlans(context, seccomp),
      context.cacheDir,
    );
    const { image, parts } = await imageOfArm(options.image, runImage, context);
    return {
      caveats: losses(hostPrivilege(), ownDelegation()).caveats,
      emulated: false,
      accelerator: null,
      parts: { launcher: part, ...parts },
      start: (trial, resources) => start({ launcher, image, context, trial, resources, seccomp }),
    };
  },
};

interface StartRequest {
  launcher: string;
  image: Image;
  context: RuntimeContext;
  trial: string;
  resources: Resources;
  seccomp: SeccompProgram;
}

async function start(request: StartRequest): Promise<Instance> {
  const { launcher, image, context, trial, resources, seccomp } = request;
  const begun = performance.now();
  const folder = join(context.scratchDir, `container-${trial}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  let init: Launched | undefined;
  const namespace = userNamespace();
  const { cgroup, deviceOps } = confine(context.owner, trial, resources, () =>
    init === undefined ? [] : processesWith(init.pid),
  );
  try {
    const subnet = nextSubnet(context.owner);
    const plan = trialPlan({ folder, rootfs: image.rootfs, cgroup, namespace, deviceOps, subnet, seccomp });
    init = await startPlan({ launcher, plan, signal: context.signal });
    const facts = {
      cgroups: layoutName(cgroup.layout),
      ...(namespace ? { user: 'ordinary', ids: namespace.setGroups ? 'ranges' : 'one' } : {}),
      startMs: round(performance.now() - begun),
    };
    const network = openPeer(subnet.peer, {
      launcher,
      rootfs: image.rootfs,
      housekeeping: resources.housekeeping,
      namespacePath: `/proc/${init.launcherPid}/ns/net`,
      enter: namespace ? enterOps(init.launcherPid) : [],
    });
    const { cacheDir } = context;
    return new ContainerInstance({
      ...{ launcher, init, cgroup, subnet, network, folder, seccomp, facts, namespace, cacheDir },
    });
  } catch (error) {
    await init?.stop().catch(() => undefined);
    await cgroup.destroy().catch(() => undefined);
    await removeTree(folder, context.cacheDir);
    throw error;
  }
}

/** A cgroup with its devices restricted; for an ordinary user what he has in its place, and devices cannot be made anyway. */
function confine(
  owner: string,
  trial: string,
  resources: Resources,
  pids: () => number[],
): { cgroup: Confinement; deviceOps: Op[] } {
  if (hostPrivilege().kind === 'root') {
    const cgroup = createCgroup(owner, trial, resources);
    const deviceOps = cgroup.restrictDevices([DENY_ALL, ...DEFAULT_DEVICE_RULES]);
    return { cgroup: Object.assign(cgroup, { beforeOps: () => [] }), deviceOps };
  }
  const cgroup = userConfinement([owner, trial], resources, pids);
  return { cgroup, deviceOps: cgroup.beforeOps() };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
