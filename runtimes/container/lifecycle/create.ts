import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup, PARENT } from '../../cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../../cgroup/device-rules.ts';
import { isUnified } from '../../cgroup/layout.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { CLONE } from '../../launch/constants.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { PARKED, runPlan, startPlan } from '../../launch/launch.ts';
import type { LaunchPlan, Op } from '../../launch/ops.ts';
import { insideLinkOps } from '../../network/peer-network.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { containerPlan } from '../plan/container-plan.ts';
import { ALL_NAMESPACES } from '../plan/exec-plan.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { defaultSeccomp } from '../seccomp/default-profile.ts';
import {
  adjustCapabilities,
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  heldCapabilities,
} from '../spec/capabilities.ts';
import { defaultSpec } from '../spec/default-spec.ts';
import type { OciMount, OciSpec } from '../spec/oci-spec.ts';
import { readEtc, resolveUser } from '../user.ts';
import {
  bridgeAddressOps,
  bridgeLink,
  BRIDGE,
  freeAddress,
  publishPorts,
  type BridgeLink,
} from './bridge.ts';
import {
  DATA_ROOT,
  listRecords,
  STATE_ROOT,
  writeRecord,
  type ContainerRecord,
  type PublishedPort,
} from './record.ts';

/** What a person asked for, with the image already unpacked. */
export interface CreateRequest {
  cacheDir: string;
  name?: string;
  imageName: string;
  /** Lowest first. */
  layers: readonly string[];
  argv: readonly string[];
  env: readonly string[];
  cwd: string;
  user: string;
  hostname?: string;
  network: 'none' | 'host' | 'bridge';
  ports: readonly PublishedPort[];
  mounts: readonly OciMount[];
  limits: CgroupLimits;
  capAdd: readonly string[];
  capDrop: readonly string[];
  privileged: boolean;
  readonlyRoot: boolean;
  terminal: boolean;
  interactive: boolean;
  autoRemove: boolean;
  stopSignal: string;
  seccompUnconfined: boolean;
  size?: { rows: number; columns: number };
}

/** Slots of the plan: the gate, the child's ends of its streams, the supervisor's (fixed in c/supervise.h). */
const GATE = 20;
const CHILD = { stdin: 14, stdout: 15, stderr: 16, socket: 17 } as const;
const SUPERVISOR = { stdin: 24, stdout: 25, stderr: 26, socket: 27 } as const;
const O_RDWR = 2;
/** A log is rotated once at this size, so that a talkative container cannot fill the disk. */
const MAX_LOG_BYTES = 64 << 20;

/** The operations that give a container its supervisor and its streams: [before the clone, parent's part, inside]. */
export function supervisionOps(
  stateFolder: string,
  request: Pick<CreateRequest, 'terminal' | 'interactive' | 'size'>,
  uid: number,
): { before: Op[]; parent: Op[]; inside: Op[] } {
  const supervise: Op = {
    op: 'supervise',
    folder: stateFolder,
    maxLogBytes: MAX_LOG_BYTES,
    interactive: request.interactive ? 1 : 0,
  };
  const gate: Op = { op: 'open', slot: GATE, path: join(stateFolder, 'gate'), flags: O_RDWR, mode: 0 };
  if (request.terminal) {
    const { rows = 24, columns = 80 } = request.size ?? {};
    return {
      before: [gate, { op: 'socketpair', slot: SUPERVISOR.socket, otherSlot: CHILD.socket }],
      parent: [supervise, { op: 'close-slot', slot: CHILD.socket }, { op: 'close-slot', slot: GATE }],
      inside: [
        { op: 'pty', masterSlot: 21, slaveSlot: 22, rows, columns },
        { op: 'console', slot: 22 },
        { op: 'send-fd', socketSlot: CHILD.socket, slot: 21 },
        { op: 'terminal', slot: 22, uid },
      ],
    };
  }
  return {
    before: [
      gate,
      { op: 'pipe', readSlot: CHILD.stdin, writeSlot: SUPERVISOR.stdin },
      { op: 'pipe', readSlot: SUPERVISOR.stdout, writeSlot: CHILD.stdout },
      { op: 'pipe', readSlot: SUPERVISOR.stderr, writeSlot: CHILD.stderr },
    ],
    parent: [
      supervise,
      ...[CHILD.stdin, CHILD.stdout, CHILD.stderr, GATE].map((slot): Op => ({ op: 'close-slot', slot })),
      // Without -i the program reads the end of its input at once.
      ...(request.interactive ? [] : [{ op: 'close-slot', slot: SUPERVISOR.stdin } as const]),
    ],
    inside: [
      { op: 'dup', slot: CHILD.stdin, fd: 0 },
      { op: 'dup', slot: CHILD.stdout, fd: 1 },
      { op: 'dup', slot: CHILD.stderr, fd: 2 },
    ],
  };
}

/** What a request becomes, before anything is made; `bench container plan` prints it. */
export interface Blueprint {
  spec: OciSpec;
  plan(cgroup: Cgroup): LaunchPlan;
  link: BridgeLink | null;
}

export function blueprint(request: CreateRequest, id: string, ipv4: number | null): Blueprint {
  const data = join(DATA_ROOT, id);
  const user = resolveUser(request.user, readEtc(request.layers, 'passwd'), readEtc(request.layers, 'group'));
  const granted = request.privileged
    ? heldCapabilities(CAPABILITIES)
    : heldCapabilities(adjustCapabilities(DEFAULT_CAPABILITIES, request.capAdd, request.capDrop));
  const confined = !request.privileged && !request.seccompUnconfined;
  const env = [...request.env];
  if (!env.some((each) => each.startsWith('HOME='))) env.push(`HOME=${user.home}`);
  if (request.terminal && !env.some((each) => each.startsWith('TERM='))) env.push('TERM=xterm');
  const spec = defaultSpec({
    rootfs: join(data, 'root'),
    argv: request.argv,
    env,
    cwd: request.cwd,
    user,
    hostname: request.hostname ?? id,
    terminal: request.terminal,
    readonlyRoot: request.readonlyRoot,
    capabilities: granted,
    seccomp: confined ? defaultSeccomp(granted) : null,
    privileged: request.privileged,
    network: request.network === 'host' ? 'host' : null,
    mounts: request.mounts,
  });
  const link = ipv4 === null ? null : bridgeLink(id, ipv4);
  const supervision = supervisionOps(join(STATE_ROOT, id), request, user.uid);
  return {
    spec,
    link,
    plan(cgroup) {
      const unified = isUnified(cgroup.layout);
      const rules = request.privileged
        ? [{ allow: true, type: 'a', access: 'rwm' }]
        : [DENY_ALL, ...DEFAULT_DEVICE_RULES];
      return containerPlan(spec, {
        owner: null,
        overlay: { lower: request.layers, upper: join(data, 'upper'), work: join(data, 'work') },
        attachOps: unified ? [] : cgroup.attachChildOps(),
        birthCgroup: unified ? (cgroup.folders[0] ?? null) : null,
        network: {
          parent: [...(link?.parent ?? []), ...supervision.parent],
          inside: link?.inside ?? insideLinkOps(null),
        },
        seccomp: spec.linux?.seccomp ? compileSeccomp(spec.linux.seccomp) : null,
        preserveFds: 0,
        main: 'exec',
        before: [...cgroup.restrictDevices(rules), ...supervision.before],
        beforeExec: [
          { op: 'report', words: PARKED },
          { op: 'gate', slot: GATE },
        ],
        terminal: supervision.inside,
        hookState: '',
        isFolder: (path) => statSync(path).isDirectory(),
        cgroupFolders: cgroup.folders,
        unified,
      });
    },
  };
}

/**
 * Makes a container up to its start gate: everything is there, the program has not run. It outlives this process.
 *
 * @throws BenchError `container-name`, `launch-failed`; nothing is left behind then.
 */
export async function createContainer(request: CreateRequest): Promise<ContainerRecord> {
  const id = randomBytes(6).toString('hex');
  const name = request.name ?? id;
  const others = listRecords();
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(name) || others.some((each) => each.name === name))
    throw new BenchError('container-name', `a container cannot be called '${name}': taken, or not a name`);
  const launcher = await ensureLauncher(request.cacheDir);
  const ipv4 = request.network === 'bridge' ? freeAddress(others.map((each) => each.address)) : null;
  const made = blueprint(request, id, ipv4);
  const stateFolder = join(STATE_ROOT, id);
  const dataFolder = join(DATA_ROOT, id);
  const cgroup = new Cgroup(join(PARENT, 'containers', id));
  try {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    for (const folder of ['upper', 'work', 'root']) mkdirSync(join(dataFolder, folder), { recursive: true });
    copyTopMode(request.layers, join(dataFolder, 'upper'));
    await execa('mkfifo', ['-m', '600', join(stateFolder, 'gate')]);
    cgroup.create(request.limits);
    if (ipv4 !== null && !existsSync(`/sys/class/net/${BRIDGE}`))
      await runPlan({ launcher, plan: bridgeAddressOps() });
    const launched = await startPlan({
      launcher,
      plan: made.plan(cgroup),
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
    });
    const record: ContainerRecord = {
      schema: 'tare.container/1',
      id,
      name,
      image: request.imageName,
      createdAt: new Date().toISOString(),
      pid: launched.pid,
      startTime: processStartTime(launched.pid) ?? '',
      stateFolder,
      dataFolder,
      cgroup: cgroup.path,
      address: made.link?.address ?? null,
      ports: [...request.ports],
      namespaces: request.network === 'host' ? ALL_NAMESPACES & ~CLONE.NEWNET : ALL_NAMESPACES,
      process: made.spec.process as ContainerRecord['process'],
      seccomp: made.spec.linux?.seccomp ?? null,
      terminal: request.terminal,
      interactive: request.interactive,
      autoRemove: request.autoRemove,
      stopSignal: request.stopSignal,
    };
    writeRecord(record);
    launched.release();
    await publishPorts(record);
    return record;
  } catch (error) {
    await cgroup.destroy().catch(() => undefined);
    await rm(stateFolder, { recursive: true, force: true });
    await rm(dataFolder, { recursive: true, force: true });
    throw error;
  }
}

/** overlayfs shows the upper folder's own mode at the root, so it takes the topmost layer's. */
function copyTopMode(layers: readonly string[], upper: string): void {
  const top = layers.at(-1);
  if (top !== undefined) chmodSync(upper, statSync(top).mode & 0o7777);
}
