import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Confinement } from '../container/rootless/confinement.ts';
import type { UserNamespace } from '../container/rootless/privilege.ts';
import { removeTree } from '../container/rootless/remove-tree.ts';
import { diskUsage } from '../container/disk-usage.ts';
import type { ExecOptions, ExecResult, Instance, InstanceNetwork } from '../contract.ts';
import { BenchError } from '../../results/bench-error.ts';
import { CLONE, MS, SIGKILL } from '../launch/constants.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';
import { PATH } from '../network/defaults.ts';
import { openPeer } from '../network/peer.ts';
import { nativeMountOps, removeNativeRoot, writablePath, type NativeRoot } from './native-root.ts';

/** Linux's loopback MTU: the path is named 'loopback' beside every number. */
const LOOPBACK_MTU = 65536;
const LOOPBACK = '127.0.0.1';

export interface NativeParts {
  launcher: string;
  rootfs: string;
  housekeeping: readonly number[];
  root: NativeRoot;
  cgroup: Confinement;
  /** Of an ordinary user, who mounts the root for each command; null for root, whose mounts stay for the trial. */
  namespace: UserNamespace | null;
  cacheDir: string;
}

/** A command bare on the host: the image's bytes by chroot, the limits by cgroup, no namespace. */
export function nativeExecPlan(
  parts: Pick<NativeParts, 'root' | 'rootfs' | 'namespace'> & {
    cgroup: Pick<Confinement, 'joinOps' | 'beforeOps' | 'folders'>;
  },
  argv: readonly string[],
  options: Pick<ExecOptions, 'env' | 'cwd'>,
): LaunchPlan {
  const env = { HOME: '/root', ...options.env };
  return [
    diesWithUs(),
    ...(parts.cgroup.folders.length > 0 ? parts.cgroup.beforeOps() : []),
    ...parts.cgroup.joinOps(),
    ...(parts.namespace ? ownMounts(parts.namespace, parts.root, parts.rootfs) : []),
    // A child of its own, so that the launcher can say what it read and wrote.
    { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 },
    { op: 'death-signal', signal: SIGKILL, parent: 0 },
    { op: 'session' },
    { op: 'chroot', path: parts.root.path },
    { op: 'close-fds', from: 3, keepSlot: -1 },
    { op: 'chdir', path: options.cwd ?? '/' },
    {
      op: 'exec',
      argv,
      env: [PATH, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
      search: 1,
    },
  ];
}

/** A user mounts in a mount namespace of his own, which goes with the command. */
function ownMounts(namespace: UserNamespace, root: NativeRoot, rootfs: string): Op[] {
  return [
    ...namespace.enter,
    { op: 'unshare', flags: CLONE.NEWNS },
    { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
    ...nativeMountOps(root, rootfs, true),
  ];
}

export class NativeInstance implements Instance {
  readonly dataDir = '/data';
  readonly network: InstanceNetwork;
  private readonly parts: NativeParts;
  private readonly stopPeers: () => Promise<void>;
  private words = '';
  private readonly ended = { readBytes: 0, writeBytes: 0, userMs: 0, systemMs: 0 };
  readonly pause?: () => Promise<void>;
  readonly resume?: () => Promise<void>;

  constructor(parts: NativeParts) {
    this.parts = parts;
    const { peer, stopAll } = openPeer(LOOPBACK, {
      ...parts,
      namespacePath: null,
      enter: parts.namespace?.enter ?? [],
    });
    this.stopPeers = stopAll;
    this.network = { address: LOOPBACK, path: 'loopback', mtu: LOOPBACK_MTU, peer };
    if (parts.cgroup.folders.length > 0) {
      this.pause = () => parts.cgroup.freeze(true);
      this.resume = () => parts.cgroup.freeze(false);
    }
  }

  facts(): Record<string, string | number | boolean> {
    if (!this.parts.namespace) return { root: 'chroot', namespaces: 'none' };
    return { root: 'chroot', namespaces: 'user, mount', user: 'ordinary' };
  }

  async exec(argv: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { stdin, timeoutMs, signal } = options;
    const plan = nativeExecPlan(this.parts, argv, options);
    const result = await runPlan({ launcher: this.parts.launcher, plan, stdin, timeoutMs, signal });
    this.ended.readBytes += result.io?.readBytes ?? 0;
    this.ended.writeBytes += result.io?.writeBytes ?? 0;
    this.ended.userMs += result.cpu?.userMs ?? 0;
    this.ended.systemMs += result.cpu?.systemMs ?? 0;
    if (result.exitCode !== 0) this.words = (result.stdout + result.stderr).slice(-8192);
    return result;
  }

  async copyIn(hostPath: string, insidePath: string): Promise<void> {
    const { root, namespace } = this.parts;
    const target = writablePath(root, insidePath) ?? (namespace ? undefined : join(root.path, insidePath));
    if (target === undefined)
      throw new BenchError('native-read-only', `${insidePath} cannot be written: the image is read-only`, {
        hint: 'below /data, /tmp, /var/tmp, /run and /root it can',
      });
    await mkdir(dirname(target), { recursive: true });
    await cp(hostPath, target, { recursive: true });
  }

  async copyOut(insidePath: string, hostPath: string): Promise<void> {
    const { root, rootfs } = this.parts;
    const source = writablePath(root, insidePath) ?? join(rootfs, insidePath);
    await cp(source, hostPath, { recursive: true });
  }

  async usage(): Promise<ReturnType<Confinement['cost']>> {
    return Promise.resolve(this.parts.cgroup.cost(diskUsage(this.parts.root.dataFolder), this.ended));
  }

  async throttledMs(): Promise<number | null> {
    return Promise.resolve(this.parts.cgroup.throttledMs());
  }

  async lastWords(): Promise<string> {
    return Promise.resolve(this.words);
  }

  async destroy(): Promise<void> {
    await this.stopPeers();
    await this.parts.cgroup.destroy();
    const { launcher, root, namespace, cacheDir } = this.parts;
    if (namespace) await removeTree(root.folder, cacheDir);
    else await removeNativeRoot(launcher, root);
  }
}
