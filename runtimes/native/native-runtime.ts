import { join } from 'node:path';
import type { Resources } from '../../results/record/plan.ts';
import { createCgroup } from '../cgroup/cgroup.ts';
import { hierarchies, hostLayout } from '../cgroup/layout.ts';
import { losses } from '../container/rootless/abilities.ts';
import { ownCgroup, ownDelegation } from '../container/rootless/cgroup-place.ts';
import { userConfinement, type Confinement } from '../container/rootless/confinement.ts';
import { hostPrivilege, userNamespace, type Privilege } from '../container/rootless/privilege.ts';
import type { Availability, Image, Instance, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { imageOfArm } from '../image/image-of-arm.ts';
import { armLauncher } from '../launch/arm-launcher.ts';
import type { LaunchPlan } from '../launch/ops.ts';
import { NativeInstance, nativeExecPlan } from './native-instance.ts';
import {
  makeNativeFolders,
  mountNativeRoot,
  nativeMountPlan,
  nativeRootAt,
  nativeUnmountPlan,
} from './native-root.ts';
import { exchangeableLabel, exchangeableSchema, resolveExchangeable, type Exchangeable } from './options.ts';

/** The same binaries bare on the host, under the same CPU set and memory limit: what every overhead is relative to. */
export const nativeRuntime: Runtime<Exchangeable> = {
  id: 'native',
  summary: 'bare on the host: the image by chroot, limits by cgroup, no namespaces',
  optionsSchema: exchangeableSchema,
  label: (options) => exchangeableLabel('native', options),
  resolvePaths: resolveExchangeable,
  needsImage: true,
  probe: () => Promise.resolve(probeHost()),
  async prepare(runImage: Image | null, options: Exchangeable, context: RuntimeContext): Promise<Prepared> {
    const { launcher, part } = await armLauncher(options.launcher, plansOf(context), context.cacheDir);
    const { image, parts } = await imageOfArm(options.image, runImage, context);
    return {
      caveats: caveats(),
      emulated: false,
      accelerator: null,
      parts: { launcher: part, ...parts },
      start: (trial, resources) => start(launcher, image, context, trial, resources),
    };
  },
};

/** Plans of the kind that a trial plays: a launcher must know what is in them. */
function plansOf({ owner, scratchDir }: RuntimeContext): LaunchPlan[] {
  const root = nativeRootAt(join(scratchDir, 'native'));
  const cgroup = Object.assign(ownCgroup(owner, 'native'), { beforeOps: () => [] });
  const namespace = userNamespace();
  return [
    nativeMountPlan(root, '/'),
    nativeExecPlan({ root, rootfs: '/', namespace, cgroup }, ['true'], {}),
    nativeUnmountPlan(root),
  ];
}

/** An ordinary user cannot change the root without namespaces: that is said beside the numbers, with what else is lacking. */
function caveats(): string[] {
  const privilege = hostPrivilege();
  const { caveats } = losses(privilege, ownDelegation());
  return privilege.kind === 'root' ? caveats : [...caveats, 'its root is in a user and a mount namespace'];
}

/** What native and our container both need: root and a cgroup hierarchy, or a user namespace; with what a user lacks. */
export function probeHost(privilege: Privilege = hostPrivilege()): Availability {
  if (privilege.kind === 'user' && privilege.refusal) return { available: false, ...privilege.refusal };
  if (privilege.kind !== 'root') return { available: true, notes: losses(privilege, ownDelegation()).notes };
  if (hierarchies(hostLayout()).length === 0)
    return {
      available: false,
      reason: 'no cgroup hierarchy is mounted',
      remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
    };
  return { available: true, notes: [] };
}

async function start(
  launcher: string,
  image: Image,
  context: RuntimeContext,
  trial: string,
  resources: Resources,
): Promise<Instance> {
  const root = nativeRootAt(join(context.scratchDir, `native-${trial}`));
  const namespace = userNamespace();
  const cgroup: Confinement = namespace
    ? userConfinement([context.owner, trial], resources, () => [])
    : Object.assign(createCgroup(context.owner, trial, resources), { beforeOps: () => [] });
  const instance = new NativeInstance({
    launcher,
    rootfs: image.rootfs,
    housekeeping: resources.housekeeping,
    root,
    cgroup,
    namespace,
    cacheDir: context.cacheDir,
  });
  try {
    if (namespace) makeNativeFolders(root);
    else await mountNativeRoot(launcher, root, image.rootfs);
  } catch (error) {
    await instance.destroy().catch(() => undefined);
    throw error;
  }
  return instance;
}
