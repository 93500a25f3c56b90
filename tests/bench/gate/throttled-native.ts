import * as z from 'zod';
import { Cgroup, PARENT } from '../../../runtimes/cgroup/cgroup.ts';
import type { Runtime } from '../../../runtimes/contract.ts';
import { nativeRuntime } from '../../../runtimes/native/native-runtime.ts';

const optionsSchema = z.strictObject({ quota: z.number().gt(0).max(1).optional() });

/**
 * The native runtime with a real slowdown built in: a CPU quota on the instance's own cgroup. A gate must catch it, and
 * must stay silent without it.
 */
export const throttledNative: Runtime<z.infer<typeof optionsSchema>> = {
  ...nativeRuntime,
  resolvePaths: undefined,
  probe: () => nativeRuntime.probe(),
  id: 'throttled',
  optionsSchema,
  label: ({ quota }) => (quota === undefined ? 'native' : `native, CPU quota ${100 * quota} %`),
  async prepare(image, { quota }, context) {
    const prepared = await nativeRuntime.prepare(image, {}, context);
    return {
      ...prepared,
      async start(trial, resources) {
        const instance = await prepared.start(trial, resources);
        if (quota !== undefined) new Cgroup(`${PARENT}/${context.owner}/${trial}`).setLimits({ cpus: quota });
        return instance;
      },
    };
  },
};
