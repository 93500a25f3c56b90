import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { createCgroup } from '../../../runtimes/cgroup/cgroup.ts';
import { isUnified } from '../../../runtimes/cgroup/layout.ts';
import { pssBytes } from '../../../runtimes/cgroup/read-cost.ts';
import { containerPlan, type PlanContext } from '../../../runtimes/container/plan/container-plan.ts';
import { ALL_NAMESPACES, execPlan } from '../../../runtimes/container/plan/exec-plan.ts';
import { oncePlan } from '../../../runtimes/container/run-once.ts';
import { compileSeccomp } from '../../../runtimes/container/seccomp/compile.ts';
import { defaultSeccomp } from '../../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../../runtimes/container/spec/capabilities.ts';
import { defaultProcess } from '../../../runtimes/container/spec/default-spec.ts';
import { diesWithUs, runPlan, startPlan, type Launched } from '../../../runtimes/launch/launch.ts';
import type { LauncherAhead } from '../../../runtimes/launch/launcher-ahead.ts';
import { insideLinkOps, peerNamespaceOps, vethParentOps } from '../../../runtimes/network/peer-network.ts';
import { nextSubnet } from '../../../runtimes/network/subnet.ts';
import { processStartTime } from '../../../runtimes/sweep/owner.ts';
import { folders, LIMITS, quantile, specOf, type BenchRig } from './rig.ts';

const IDLE = 200;
const SERIAL = 100;
const BAR_PSS_KIB = 512;

interface Kind {
  limited: boolean;
  network?: boolean;
  ahead?: LauncherAhead;
  /** Started from its file rather than from the sealed copy. */
  fromFile?: boolean;
}

/** Ours, as the harness does it: folders, cgroup, plan, launch, and everything removed again. */
export async function ours(rig: BenchRig, kind: Kind): Promise<void> {
  const { upper, work, root, path } = folders(rig);
  const launcher = kind.fromFile ? rig.launcherFile : rig.launcher;
  const cgroup = kind.limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
  const subnet = kind.network ? nextSubnet(rig.owner) : null;
  const plan = oncePlan({
    launcher,
    spec: specOf(root, kind.limited),
    overlay: { lower: [rig.rootfs], upper, work },
    cgroup,
    before: subnet ? peerNamespaceOps() : [],
    network: subnet ? { parent: vethParentOps(subnet), inside: insideLinkOps(subnet) } : undefined,
  });
  const result = await runPlan({ launcher, plan, ahead: kind.ahead });
  if (result.exitCode !== 0) throw new Error(`ours: ${result.stderr}`);
  await cgroup?.destroy();
  rmSync(path, { recursive: true, force: true });
}

/** A container whose first process sleeps. */
export interface Idle {
  init: Launched;
  exec(): ReturnType<typeof execPlan>;
  stop(): Promise<void>;
}

export async function startIdle(rig: BenchRig, limited: boolean): Promise<Idle> {
  const { upper, work, root, path } = folders(rig);
  const cgroup = limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
  const unified = cgroup !== null && isUnified(cgroup.layout);
  const seccomp = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES));
  const birthCgroup = unified ? (cgroup?.folders[0] ?? null) : null;
  const context: PlanContext = {
    owner: diesWithUs(),
    overlay: { lower: [rig.rootfs], upper, work },
    attachOps: cgroup && !unified ? cgroup.attachChildOps() : [],
    birthCgroup,
    network: { parent: [], inside: [] },
    seccomp,
    preserveFds: 0,
    main: 'init',
    before: [],
    beforeExec: [],
    terminal: [],
    hookState: '',
    isFolder: () => true,
    cgroupFolders: cgroup?.folders ?? [],
    unified,
  };
  const plan = containerPlan(specOf(root, limited), context);
  const init = await startPlan({ launcher: rig.launcher, plan });
  const container = {
    pid: init.pid,
    startTime: processStartTime(init.pid) ?? '',
    namespaces: ALL_NAMESPACES,
    joinOps: cgroup?.joinOps() ?? [],
  };
  const common = { owner: diesWithUs(), seccomp, preserveFds: 0, before: [], terminal: [], setGroups: true };
  return {
    init,
    exec: () => execPlan(container, defaultProcess({ argv: ['/bin/true'] }), { ...common, birthCgroup }),
    async stop() {
      await init.stop();
      await cgroup?.destroy();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A hundred one after another, then two hundred asleep at once. */
export async function serialAndIdle(rig: BenchRig): Promise<void> {
  const times: number[] = [];
  for (let k = 0; k < SERIAL; k++) {
    const begun = performance.now();
    await ours(rig, { limited: true });
    times.push(performance.now() - begun);
  }
  const [first, last] = [times.slice(0, SERIAL / 4), times.slice(-SERIAL / 4)].map((part) =>
    quantile(part, 0.5).toFixed(1),
  );
  console.log(
    `\n${SERIAL} one after another: median of the first quarter ${first} ms, of the last ${last} ms`,
  );
  const idle: Idle[] = [];
  try {
    while (idle.length < IDLE) idle.push(await startIdle(rig, false));
    const pids = idle.flatMap(({ init }) => [init.pid, init.launcherPid]);
    const kib = (pssBytes(pids) ?? 0) / 1024 / IDLE;
    const verdict = kib <= BAR_PSS_KIB ? 'ok  ' : 'OVER';
    const words = 'KiB PSS of ours each, init and waiting parent';
    console.log(`${verdict} ${IDLE} idle at once: ${kib.toFixed(0)} ${words} (bar ${BAR_PSS_KIB})`);
  } finally {
    for (const each of idle) await each.stop();
  }
}
