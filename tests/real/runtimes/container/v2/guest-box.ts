import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCgroup, type Cgroup } from '../../../../../runtimes/cgroup/cgroup.ts';
import type { DeviceRule } from '../../../../../runtimes/cgroup/device-rules.ts';
import type { CgroupLimits } from '../../../../../runtimes/cgroup/limits.ts';
import { oncePlan, type OnceRequest } from '../../../../../runtimes/container/run-once.ts';
import { defaultSpec } from '../../../../../runtimes/container/spec/default-spec.ts';
import { runPlan, startPlan, type Launched } from '../../../../../runtimes/launch/launch.ts';
import type { LaunchPlan } from '../../../../../runtimes/launch/ops.ts';

/** Inside the guest: boxes on its own root file system, made by the product's own policy, cgroup and launcher. */
export const OWNER = 'tare-v2guest';
export const SCRATCH = '/data/scratch';
let count = 0;

export interface BoxRequest {
  launcher: string;
  script: string;
  limits?: CgroupLimits;
  /** Null: no device program at all. */
  devices?: readonly DeviceRule[] | null;
}

export interface Box {
  cgroup: Cgroup;
  plan: LaunchPlan;
  launcher: string;
}

/** A limited container, planned and not started. */
export function planBox(request: BoxRequest): Box {
  const name = `b${count++}`;
  const folder = join(SCRATCH, name);
  for (const part of ['upper', 'work', 'root']) mkdirSync(join(folder, part), { recursive: true });
  const cgroup = createCgroup(OWNER, name, request.limits ?? {});
  const once: OnceRequest = {
    launcher: request.launcher,
    spec: defaultSpec({ rootfs: join(folder, 'root'), argv: ['sh', '-c', request.script], seccomp: null }),
    overlay: { lower: ['/'], upper: join(folder, 'upper'), work: join(folder, 'work') },
    cgroup,
    before: request.devices ? cgroup.restrictDevices(request.devices) : [],
  };
  return { cgroup, plan: oncePlan(once), launcher: request.launcher };
}

/** Runs one to its end; `look` sees the cgroup before it is removed. */
export async function runBox<Seen>(
  request: BoxRequest,
  look: (cgroup: Cgroup) => Seen,
): Promise<{ said: string; seen: Seen }> {
  const { cgroup, plan, launcher } = planBox(request);
  try {
    const result = await runPlan({ launcher, plan, timeoutMs: 60_000 });
    return { said: (result.stdout + result.stderr).trim(), seen: look(cgroup) };
  } finally {
    await cgroup.destroy();
  }
}

/** Starts one and hands it over while it runs. */
export async function withBox<Seen>(
  request: BoxRequest,
  use: (box: Box, running: Launched) => Promise<Seen>,
): Promise<Seen> {
  const box = planBox(request);
  try {
    const running = await startPlan({ launcher: box.launcher, plan: box.plan });
    try {
      return await use(box, running);
    } finally {
      await running.stop();
    }
  } finally {
    await box.cgroup.destroy();
  }
}
