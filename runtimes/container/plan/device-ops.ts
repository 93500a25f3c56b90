import { S_IFBLK, S_IFCHR, S_IFIFO } from '../../launch/constants.ts';
import type { Op } from '../../launch/ops.ts';
import type { OciDevice } from '../spec/oci-spec.ts';

/** The devices every container has (OCI runtime-spec, default devices). */
export const DEFAULT_DEVICES: readonly OciDevice[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666, uid: 0, gid: 0 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666, uid: 0, gid: 0 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666, uid: 0, gid: 0 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666, uid: 0, gid: 0 },
];

const LINKS: readonly (readonly [text: string, path: string])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
];

const TYPES = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;

/** Device nodes and the standard links. `bound`: by binding the host's, where nodes cannot be made. */
export function deviceOps(devices: readonly OciDevice[], bound: boolean, hasPts: boolean): Op[] {
  const own = devices.map((device) => device.path);
  const all = [...DEFAULT_DEVICES.filter((device) => !own.includes(device.path)), ...devices];
  return [
    ...all.map((device): Op => (bound ? bindDevice(device) : makeDevice(device))),
    ...LINKS.map(([text, path]): Op => ({ op: 'symlink', text, path })),
    ...(hasPts ? [{ op: 'symlink', text: 'pts/ptmx', path: '/dev/ptmx' } as const] : []),
  ];
}

function bindDevice(device: OciDevice): Op {
  return { op: 'bind-device', source: device.path, target: device.path };
}

function makeDevice(device: OciDevice): Op {
  const owner = (BigInt(device.uid ?? 0) << 32n) | BigInt(device.gid ?? 0);
  return {
    op: 'mknod',
    path: device.path,
    mode: TYPES[device.type] | (device.fileMode ?? 0o666),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    owner,
  };
}
