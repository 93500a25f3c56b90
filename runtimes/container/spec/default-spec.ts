import { DEFAULT_CAPABILITIES } from './capabilities.ts';
import type { IdMapping, OciMount, OciProcess, OciResources, OciSeccomp, OciSpec } from './oci-spec.ts';

export const OCI_VERSION = '1.2.0';

/** Files of /proc and /sys that tell about or reach the host (Docker's ten, and two it took up later). */
export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** What a container is asked to be, before it is written as an OCI configuration. */
export interface SpecRequest {
  rootfs: string;
  argv: readonly string[];
  env?: readonly string[];
  cwd?: string;
  user?: { uid: number; gid: number; additionalGids?: number[] };
  hostname?: string;
  terminal?: boolean;
  readonlyRoot?: boolean;
  capabilities?: readonly string[];
  noNewPrivileges?: boolean;
  seccomp?: OciSeccomp | null;
  mounts?: readonly OciMount[];
  resources?: OciResources;
  cgroupsPath?: string;
  /** Path of a network namespace to join; null makes a new one; 'host' shares the host's. */
  network?: string | null;
  mappings?: { uid: IdMapping[]; gid: IdMapping[] };
  /** It is made in a user namespace that owns no network namespace of the host's: its /sys is the host's, bound. */
  rootless?: boolean;
  /** Everything is allowed and shown: all capabilities, no seccomp, nothing masked. */
  privileged?: boolean;
  rlimits?: { type: string; soft: number; hard: number }[];
  shmBytes?: number;
  /** Whether a gid-5 tty group exists inside (it does not when the user namespace maps a single id). */
  ttyGroup?: boolean;
  oomScoreAdj?: number;
  sysctl?: Record<string, string>;
  annotations?: Record<string, string>;
  cgroupMount?: boolean;
}

const DEFAULT_SHM_BYTES = 64 << 20;
export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Policy, as data: what Docker's defaults would be for the same request. Pure. */
export function defaultSpec(request: SpecRequest): OciSpec {
  const privileged = request.privileged ?? false;
  const namespaces: NonNullable<NonNullable<OciSpec['linux']>['namespaces']> = [
    { type: 'pid' },
    { type: 'ipc' },
    { type: 'uts' },
    { type: 'mount' },
    { type: 'cgroup' },
  ];
  if (request.network !== 'host')
    namespaces.push(request.network ? { type: 'network', path: request.network } : { type: 'network' });
  if (request.mappings) namespaces.push({ type: 'user' });
  return {
    ociVersion: OCI_VERSION,
    process: defaultProcess(request),
    root: { path: request.rootfs, readonly: request.readonlyRoot ?? false },
    hostname: request.hostname ?? 'tare',
    mounts: [...standardMounts(request), ...(request.mounts ?? [])],
    annotations: request.annotations ?? {},
    linux: {
      namespaces,
      uidMappings: request.mappings?.uid,
      gidMappings: request.mappings?.gid,
      resources: request.resources ?? {},
      cgroupsPath: request.cgroupsPath,
      seccomp: privileged ? null : request.seccomp,
      sysctl: request.sysctl ?? {},
      maskedPaths: privileged ? [] : [...MASKED_PATHS],
      readonlyPaths: privileged ? [] : [...READONLY_PATHS],
    },
  };
}

/** The process part, also used for `exec` with the container's own policy. */
export function defaultProcess(request: Omit<SpecRequest, 'rootfs'>): OciProcess {
  const granted = [...(request.capabilities ?? DEFAULT_CAPABILITIES)];
  const user = request.user ?? { uid: 0, gid: 0 };
  // Docker's rule: a user other than root gets the bounding set only; it gains by setuid programs, where allowed.
  const held = user.uid === 0 ? granted : [];
  return {
    terminal: request.terminal ?? false,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids ?? [] },
    args: [...request.argv],
    env: request.env ? [...request.env] : [DEFAULT_PATH],
    cwd: request.cwd ?? '/',
    capabilities: {
      bounding: granted,
      effective: held,
      permitted: held,
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: request.noNewPrivileges ?? !(request.privileged ?? false),
    rlimits: request.rlimits ?? [],
    oomScoreAdj: request.oomScoreAdj ?? null,
  };
}

function standardMounts(request: SpecRequest): OciMount[] {
  const sysOptions = ['nosuid', 'noexec', 'nodev', ...(request.privileged ? [] : ['ro'])];
  const ptsOptions = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
  const sys: OciMount =
    request.network === 'host' && (request.mappings || request.rootless)
      ? // A sysfs of a network namespace that is not ours cannot be mounted in a user namespace.
        { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...sysOptions, 'rro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: sysOptions };
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: (request.ttyGroup ?? true) ? [...ptsOptions, 'gid=5'] : ptsOptions,
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${request.shmBytes ?? DEFAULT_SHM_BYTES}`],
    },
    {
      destination: '/dev/mqueue',
      type: 'mqueue',
      source: 'mqueue',
      options: ['nosuid', 'noexec', 'nodev'],
    },
    sys,
    ...((request.cgroupMount ?? true)
      ? [
          {
            destination: '/sys/fs/cgroup',
            type: 'cgroup',
            source: 'cgroup',
            options: ['nosuid', 'noexec', 'nodev', 'ro'],
          },
        ]
      : []),
  ];
}
