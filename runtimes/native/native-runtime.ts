import { join } from 'node:path';
import type { Resources } from '../../results/record/plan.ts';
import { Cgroup, createCgroup, PARENT } from '../cgroup/cgroup.ts';
import { hierarchies, hostLayout } from '../cgroup/layout.ts';
import type { Availability, Image, Instance, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { imageOfArm } from '../image/image-of-arm.ts';
import { armLauncher } from '../launch/arm-launcher.ts';
import type { LaunchPlan } from '../launch/ops.ts';
import { NativeInstance, nativeExecPlan } from './native-instance.ts';
import { mountNativeRoot, nativeMountPlan, nativeRootAt, nativeUnmountPlan } from './native-root.ts';
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
      caveats: [],
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
  const cgroup = new Cgroup(join(PARENT, owner, 'native'));
  return [
    nativeMountPlan(root, '/'),
    nativeExecPlan({ root, cgroup }, ['true'], {}),
    nativeUnmountPlan(root),
  ];
}

/** Root and a cgroup hierarchy: what native and our container both need. */
export function probeHost(uid = process.getuid?.() ?? -1): Availability {
  if (uid !== 0)
    return {
      available: false,
      reason: 'it makes cgroups and mounts, which needs root',
      remedy: 'sudo bench …',
    };
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
  const cgroup = createCgroup(context.owner, trial, resources);
  const instance = new NativeInstance({
    launcher,
    rootfs: image.rootfs,
    housekeeping: resources.housekeeping,
    root,
    cgroup,
  });
  try {
    await mountNativeRoot(launcher, root, image.rootfs);
  } catch (error) {
    await instance.destroy().catch(() => undefined);
    throw error;
  }
  return instance;
}
