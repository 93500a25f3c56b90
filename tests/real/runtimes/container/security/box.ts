import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createCgroup, type Cgroup } from '../../../../../runtimes/cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../../../../../runtimes/cgroup/device-rules.ts';
import type { CgroupLimits } from '../../../../../runtimes/cgroup/limits.ts';
import { runOnce } from '../../../../../runtimes/container/run-once.ts';
import { defaultSeccomp } from '../../../../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../../../../runtimes/container/spec/capabilities.ts';
import { defaultSpec, type SpecRequest } from '../../../../../runtimes/container/spec/default-spec.ts';
import type { ExecResult } from '../../../../../runtimes/contract.ts';
import { CLONE, MS } from '../../../../../runtimes/launch/constants.ts';
import { runPlan } from '../../../../../runtimes/launch/launch.ts';
import type { LaunchPlan, Op } from '../../../../../runtimes/launch/ops.ts';
import type { Rig } from '../rig.ts';

export interface Box extends Partial<SpecRequest> {
  script?: string;
  /** Laid over the image: a folder of the test. */
  top?: string;
  limits?: CgroupLimits;
}

/** What the tests of the security list run their boxes with. */
export interface Boxes {
  /** One container by the default policy, but for what the test changes. */
  box(request: Box): Promise<ExecResult>;
  /** The same; resolves with what its script printed. */
  says(request: Box): Promise<string>;
  /** A plan in a mount namespace of its own, for guards that are single operations. */
  alone(...ops: Op[]): Promise<ExecResult>;
}

let count = 0;

/** `rig` is asked late: it is opened in a hook. */
export function boxesOf(rig: () => Rig): Boxes {
  const box = async (request: Box): Promise<ExecResult> => {
    const { image, launcher, owner, scratchDir } = rig();
    const folder = join(scratchDir, `box-${count++}`);
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
    const spec = defaultSpec({
      rootfs: join(folder, 'root'),
      argv: ['sh', '-c', request.script ?? 'true'],
      seccomp: defaultSeccomp(request.capabilities ?? DEFAULT_CAPABILITIES),
      ...request,
    });
    const lower = [image.rootfs, ...(request.top ? [request.top] : [])];
    let cgroup: Cgroup | null = null;
    if (request.limits) {
      cgroup = createCgroup(owner, `s${count}`, request.limits);
      cgroup.restrictDevices([DENY_ALL, ...DEFAULT_DEVICE_RULES]);
    }
    try {
      return await runOnce({
        launcher,
        spec,
        overlay: { lower, upper: join(folder, 'upper'), work: join(folder, 'work') },
        cgroup,
        timeoutMs: 30_000,
      });
    } finally {
      await cgroup?.destroy();
    }
  };
  return {
    box,
    async says(request) {
      const result = await box(request);
      return (result.stdout + result.stderr).trim();
    },
    alone(...ops) {
      const plan: LaunchPlan = [
        { op: 'unshare', flags: CLONE.NEWNS },
        { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
        ...ops,
      ];
      return runPlan({ launcher: rig().launcher, plan });
    },
  };
}

/** The message of a promise that must reject. */
export async function fails(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.unreachable('it went through'),
    (error: Error) => error.message,
  ) as Promise<string>;
}

export function mkdirp(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
