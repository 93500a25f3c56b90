import { BenchError } from '../../../results/bench-error.ts';
import { CLONE, MS } from '../../launch/constants.ts';
import type { LaunchPlan, Op } from '../../launch/ops.ts';
import type { UserNamespace } from '../rootless/privilege.ts';
import type { NamespaceType, OciHook, OciSpec } from '../spec/oci-spec.ts';
import { cgroupOps } from './cgroup-ops.ts';
import { idmapOps, mapText } from './idmap-ops.ts';
import { timeOps } from './time-ops.ts';
import { deviceOps } from './device-ops.ts';
import { propagationFlags } from './mount-options.ts';
import { mountOps, type MountContext } from './mount-ops.ts';
import { execOp, processOps, type SeccompProgram } from './process-ops.ts';

/** The layers of a root: lowest first; without them the root folder itself is used. */
export interface OverlayPlan {
  lower: readonly string[];
  upper: string;
  work: string;
}

/** What the plan needs beyond the configuration: where things are on this host, and who owns the process. */
export interface PlanContext extends MountContext {
  /** The user namespace that the whole plan is played in, when an ordinary user runs it; absent for root. */
  userNamespace?: UserNamespace | null;
  /** First operation: ties the launcher to its owner; null for a container that outlives its caller. */
  owner: Op | null;
  overlay: OverlayPlan | null;
  /** Operations of the waiting parent that put the child into the container's cgroup; see cgroup-ops.ts. */
  attachOps: readonly Op[];
  /** A v2 cgroup to be born into, which spares the kernel's wait. */
  birthCgroup: string | null;
  /** The network: the parent's part (host's side) and the inside's. */
  network: { parent: readonly Op[]; inside: readonly Op[] };
  seccomp: SeccompProgram | null;
  preserveFds: number;
  /** 'exec': the configuration's process is pid 1. 'init': our own sleeps there and the process is started by exec. */
  main: 'exec' | 'init';
  /** Operations of the host's own user, before any namespace: helpers that must stay outside. */
  outside?: readonly Op[];
  /** Operations before the clone: the start gate's fifo, sockets. */
  before: readonly Op[];
  /** Operations just before the program: the start gate. */
  beforeExec: readonly Op[];
  /** Operations on the terminal, after the pivot. */
  terminal: readonly Op[];
  /** State handed to hooks on stdin; @PID@ stands for the container's pid. */
  hookState: string;
}

/** The CLONE_NEW* bit of each type of namespace. */
export const NAMESPACE_FLAGS: Readonly<Record<NamespaceType, number>> = {
  user: CLONE.NEWUSER,
  mount: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  network: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  cgroup: CLONE.NEWCGROUP,
  time: CLONE.NEWTIME,
};

const CGROUP_SLOT = 3;
const INIT_NAME = 'tare-init';

/** A container's configuration as a launch plan. Pure: the same configuration and context give the same plan. */
export function containerPlan(spec: OciSpec, context: PlanContext): LaunchPlan {
  const process = spec.process;
  if (!process) throw new BenchError('spec-process', 'the configuration has no process');
  const namespaces = spec.linux?.namespaces ?? [];
  const has = (type: NamespaceType): boolean => namespaces.some((each) => each.type === type);
  const joined = namespaces.filter((each) => each.path);
  const made = namespaces.filter((each) => !each.path);
  const entered = context.userNamespace ?? null;
  // Root of a user namespace cannot make device nodes, and overlayfs keeps its marks in other attributes.
  const userNamespace = has('user') || entered !== null;
  // The cgroup namespace is taken after joining the cgroup, so that its root is the container's own.
  const flags = made.reduce(
    (sum, each) => (each.type === 'cgroup' || each.type === 'time' ? sum : sum | NAMESPACE_FLAGS[each.type]),
    0,
  );
  const cgroup = cgroupOps(context.attachOps, userNamespace);
  const parent = parentOps(spec, { ...context, attachOps: cgroup.parent });
  const beneath = rootOps(spec, context, userNamespace);
  return [
    ...(context.owner ? [context.owner] : []),
    ...(context.outside ?? []),
    ...(entered?.enter ?? []),
    { op: 'keyring', name: '' },
    ...(process.oomScoreAdj === null || process.oomScoreAdj === undefined
      ? []
      : [{ op: 'write-file', path: '/proc/self/oom_score_adj', text: String(process.oomScoreAdj) } as const]),
    ...context.before,
    ...joined.map((each): Op => ({ op: 'setns', path: each.path ?? '', type: NAMESPACE_FLAGS[each.type] })),
    // Who entered a user namespace has no right to map what the host owns, and sees his own files as his anyway.
    ...idmapOps(spec, entered === null ? (context.overlay?.lower ?? []) : []),
    ...timeOps(spec),
    ...(context.birthCgroup === null
      ? []
      : [{ op: 'open', slot: CGROUP_SLOT, path: context.birthCgroup, flags: 0o200000, mode: 0 } as const]),
    {
      op: 'clone',
      flags,
      parentOps: parent.length,
      cgroupSlot: context.birthCgroup === null ? -1 : CGROUP_SLOT,
    },
    ...parent,
    ...(context.owner ? [{ op: 'death-signal', signal: 9, parent: 0 } as const] : []),
    ...cgroup.child,
    // In a user namespace of our own we are nobody until the parent has written the maps.
    ...(made.some((each) => each.type === 'user')
      ? ([{ op: 'wait-parent' }, { op: 'ids', uid: 0, gid: 0, groups: new Uint8Array(0) }] as const)
      : []),
    // In a user namespace whoever connects its network from outside has to see its namespaces; nobody is inside yet.
    ...(userNamespace ? [] : [{ op: 'dumpable', value: 0 } as const]),
    { op: 'session' },
    ...beneath,
    { op: 'wait-parent' },
    ...(made.some((each) => each.type === 'cgroup')
      ? [{ op: 'unshare', flags: CLONE.NEWCGROUP } as const]
      : []),
    ...(spec.hostname ? [{ op: 'hostname', name: spec.hostname } as const] : []),
    ...(spec.domainname ? [{ op: 'domainname', name: spec.domainname } as const] : []),
    ...(has('network') ? context.network.inside : []),
    ...context.terminal,
    ...hookOps(spec.hooks?.startContainer, context),
    ...processOps(
      process,
      {
        seccomp: context.seccomp,
        preserveFds: context.preserveFds,
        diesWithParent: context.owner !== null,
        beforeExec: context.beforeExec,
        setGroups: setGroupsAllowed(spec) && entered?.setGroups !== false,
      },
      context.main === 'init' ? { op: 'init', name: INIT_NAME } : execOp(process),
    ),
  ];
}

/** In a user namespace made without privilege, setgroups is denied; ids mapped by root allow it. */
export function setGroupsAllowed(spec: OciSpec): boolean {
  const gids = spec.linux?.gidMappings ?? [];
  return gids.length === 0 || gids.reduce((sum, each) => sum + each.size, 0) > 1;
}

/** What the waiting parent does while the child builds its view: maps, the network's far end, the slow cgroup attach. */
function parentOps(spec: OciSpec, context: PlanContext): Op[] {
  const uid = spec.linux?.uidMappings ?? [];
  const gid = spec.linux?.gidMappings ?? [];
  return [
    ...(uid.length === 0
      ? []
      : ([
          ...(setGroupsAllowed(spec) ? [] : [{ op: 'child-file', name: 'setgroups', text: 'deny' } as const]),
          { op: 'child-file', name: 'uid_map', text: mapText(uid) },
          { op: 'child-file', name: 'gid_map', text: mapText(gid) },
        ] as const)),
    ...context.network.parent,
    ...context.attachOps,
    ...hookOps(spec.hooks?.prestart, context),
    ...hookOps(spec.hooks?.createRuntime, context),
  ];
}

function hookOps(hooks: readonly OciHook[] | null | undefined, context: PlanContext): Op[] {
  return (hooks ?? []).map((hook) => ({
    op: 'run',
    file: hook.path,
    // The first word is the program's own name for itself: Docker's hook chooses its work by it.
    argv: hook.args?.length ? hook.args : [hook.path],
    env: hook.env ?? [],
    stdin: context.hookState,
    timeoutS: hook.timeout ?? 0,
  }));
}

/** The mount namespace: from a private copy of the host's to the container's own root. */
function rootOps(spec: OciSpec, context: PlanContext, userNamespace: boolean): Op[] {
  const root = spec.root.path;
  const mounts = spec.mounts ?? [];
  const has = (destination: string): boolean => mounts.some((each) => each.destination === destination);
  const propagation = spec.linux?.rootfsPropagation;
  return [
    // Never shared: nothing we mount may appear on the host.
    {
      op: 'propagation',
      path: '/',
      flags: propagation === 'slave' || propagation === 'rslave' ? MS.SLAVE | MS.REC : MS.PRIVATE | MS.REC,
    },
    ...(context.overlay ? overlayOps(root, context.overlay, userNamespace) : [bindRoot(root)]),
    { op: 'root', path: root },
    ...mounts.flatMap((mount) => mountOps(mount, context)),
    ...(has('/dev') ? deviceOps(spec.linux?.devices ?? [], userNamespace, has('/dev/pts')) : []),
    { op: 'mkdir', path: spec.process?.cwd ?? '/', mode: 0o755, follow: 1 },
    ...Object.entries(spec.linux?.sysctl ?? {}).map(([name, value]): Op => ({
      op: 'write-proc',
      path: sysctlPath(name),
      text: value,
    })),
    ...hookOps(spec.hooks?.createContainer, context),
    ...(spec.linux?.readonlyPaths ?? []).map((path): Op => ({ op: 'read-only', path, must: 0 })),
    ...(spec.linux?.maskedPaths ?? []).map((path): Op => ({ op: 'mask', path })),
    { op: 'pivot-root' },
    ...(spec.root.readonly ? [{ op: 'remount', path: '/', set: 1, clear: 0 } as const] : []),
    ...(propagation ? [{ op: 'propagation', path: '/', flags: propagationFlags(propagation) } as const] : []),
  ];
}

function bindRoot(root: string): Op {
  return { op: 'bind', source: root, target: root, recursive: 1, set: 0, clear: 0, follow: 1 };
}

/** The root of a container: its layers, and the folder that takes what it writes. */
export function overlayOps(root: string, overlay: OverlayPlan, userNamespace: boolean): Op[] {
  // Plain trees only: a layer can be packed again, and no layer's attribute sends a lookup elsewhere.
  // overlayfs names the uppermost lower layer first.
  const lower = [...overlay.lower].reverse().map(escapeOverlay).join(':');
  const data = `lowerdir=${lower},upperdir=${escapeOverlay(overlay.upper)},workdir=${escapeOverlay(overlay.work)}`;
  return [
    {
      op: 'mount',
      source: 'overlay',
      target: root,
      type: 'overlay',
      flags: 0,
      data: `${data}${userNamespace ? ',userxattr' : ',redirect_dir=off,metacopy=off'}`,
      follow: 1,
    },
  ];
}

/** Commas part options and colons part layers; a backslash keeps either. */
function escapeOverlay(path: string): string {
  return path.replaceAll(/[\\:,]/g, (character) => `\\${character}`);
}

/** net.ipv4.ip_forward → /proc/sys/net/ipv4/ip_forward; names with a slash keep their dots. */
export function sysctlPath(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  if (!/^[A-Za-z0-9_./-]+$/.test(path) || path.split('/').some((part) => part === '' || part === '..'))
    throw new BenchError('sysctl-name', `'${name}' is not the name of a kernel parameter`);
  return `/proc/sys/${path}`;
}
