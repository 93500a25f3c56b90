import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import { createCgroup } from '../cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../cgroup/device-rules.ts';
import { isUnified, layoutName } from '../cgroup/layout.ts';
import type { Image, Instance, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { diesWithUs, startPlan, type Launched } from '../launch/launch.ts';
import { probeHost } from '../native/native-runtime.ts';
import { openPeer } from '../network/peer.ts';
import { insideLinkOps, peerNamespaceOps, vethParentOps } from '../network/peer-network.ts';
import { nextSubnet } from '../network/subnet.ts';
import { ContainerInstance } from './container-instance.ts';
import { containerPlan } from './plan/container-plan.ts';
import type { SeccompProgram } from './plan/process-ops.ts';
import { compileSeccomp } from './seccomp/compile.ts';
import { defaultSeccomp } from './seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from './spec/capabilities.ts';
import { defaultSpec } from './spec/default-spec.ts';

const optionsSchema = z.strictObject({});
export type ContainerOptions = z.infer<typeof optionsSchema>;

/** Our own runtime: the image below an overlay, all namespaces, the default restrictions, a veth network. */
export const containerRuntime: Runtime<ContainerOptions> = {
  id: 'container',
  summary: "a container by Tare's own runtime: namespaces, overlay, cgroup, capabilities, veth",
  optionsSchema,
  label: () => 'container',
  needsImage: true,
  probe: () => Promise.resolve(probeHost()),
  async prepare(image: Image | null, _options: ContainerOptions, context: RuntimeContext): Promise<Prepared> {
    if (!image)
      throw new BenchError('image-missing', 'the container runs the guest image, and there is none');
    const launcher = await ensureLauncher(context.cacheDir);
    const seccomp = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES));
    return {
      caveats: [],
      emulated: false,
      accelerator: null,
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
  seccomp: SeccompProgram | null;
}

async function start(request: StartRequest): Promise<Instance> {
  const { launcher, image, context, trial, resources, seccomp } = request;
  const begun = performance.now();
  const folder = join(context.scratchDir, `container-${trial}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  const cgroup = createCgroup(context.owner, trial, resources);
  const deviceOps = cgroup.restrictDevices([DENY_ALL, ...DEFAULT_DEVICE_RULES]);
  let init: Launched | undefined;
  try {
    const subnet = nextSubnet(context.owner);
    const unified = isUnified(cgroup.layout);
    const spec = defaultSpec({ rootfs: join(folder, 'root'), argv: ['init'] });
    const plan = containerPlan(spec, {
      owner: diesWithUs(),
      overlay: { lower: [image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
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
    init = await startPlan({ launcher, plan, signal: context.signal });
    const facts = {
      cgroups: layoutName(cgroup.layout),
      startMs: round(performance.now() - begun),
    };
    const network = openPeer(subnet.peer, {
      launcher,
      rootfs: image.rootfs,
      housekeeping: resources.housekeeping,
      namespacePath: `/proc/${init.launcherPid}/ns/net`,
    });
    return new ContainerInstance({ launcher, init, cgroup, subnet, network, folder, seccomp, facts });
  } catch (error) {
    await init?.stop().catch(() => undefined);
    await cgroup.destroy().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
