import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resources } from '../../../../results/record/plan.ts';
import type { Image, Prepared, RuntimeContext } from '../../../../runtimes/contract.ts';
import { ensureImage } from '../../../../runtimes/image/ensure-image.ts';
import { qemuOptionsSchema } from '../../../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../../../runtimes/qemu/qemu-runtime.ts';
import { registerOwner, releaseOwner } from '../../../../runtimes/sweep/owner.ts';

const CACHE = '/var/cache/tare';

/** A run's surroundings for real VMs: the shared cache and image, an owner and a scratch folder of its own. */
export interface VmSetting {
  context: RuntimeContext;
  image: Image;
  resources: Resources;
  prepare(options?: Record<string, unknown>): Promise<Prepared>;
  close(): Promise<void>;
}

export async function openVmSetting(name: string): Promise<VmSetting> {
  const owner = `tare-t${name.slice(0, 4)}${process.pid.toString(36).slice(-4)}`;
  const scratchDir = join(CACHE, 'scratch', owner);
  await mkdir(scratchDir, { recursive: true });
  await registerOwner(owner, scratchDir);
  const resources: Resources = { cpus: 1, memoryMiB: 256, cpuset: [1], housekeeping: [0] };
  const context: RuntimeContext = {
    owner,
    resources,
    cacheDir: CACHE,
    scratchDir,
    signal: new AbortController().signal,
    log: () => undefined,
  };
  const image = await ensureImage(CACHE, () => undefined);
  return {
    context,
    image,
    resources,
    prepare: (options = {}) =>
      qemuRuntime.prepare(image, qemuOptionsSchema.parse({ accel: 'tcg', ...options }), context),
    async close() {
      await rm(scratchDir, { recursive: true, force: true });
      await releaseOwner(owner);
    },
  };
}
