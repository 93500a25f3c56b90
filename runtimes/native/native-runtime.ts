import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import { createCgroup } from '../cgroup/cgroup.ts';
import { hierarchies, hostLayout } from '../cgroup/layout.ts';
import type { Availability, Image, Instance, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { NativeInstance } from './native-instance.ts';
import { mountNativeRoot, nativeRootAt } from './native-root.ts';

const optionsSchema = z.strictObject({});
export type NativeOptions = z.infer<typeof optionsSchema>;

/** The same binaries bare on the host, under the same CPU set and memory limit: what every overhead is relative to. */
export const nativeRuntime: Runtime<NativeOptions> = {
  id: 'native',
  summary: 'bare on the host: the image by chroot, limits by cgroup, no namespaces',
  optionsSchema,
  label: () => 'native',
  needsImage: true,
  probe: () => Promise.resolve(probeHost()),
  async prepare(image: Image | null, _options: NativeOptions, context: RuntimeContext): Promise<Prepared> {
    if (!image) throw new BenchError('image-missing', 'native runs the guest image, and there is none');
    const launcher = await ensureLauncher(context.cacheDir);
    return {
      caveats: [],
      emulated: false,
      accelerator: null,
      start: (trial, resources) => start(launcher, image, context, trial, resources),
    };
  },
};

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
