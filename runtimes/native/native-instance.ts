import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cgroup } from '../cgroup/cgroup.ts';
import { diskUsage } from '../container/disk-usage.ts';
import type { ExecOptions, ExecResult, Instance, InstanceNetwork } from '../contract.ts';
import { SIGKILL } from '../launch/constants.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';
import type { LaunchPlan } from '../launch/ops.ts';
import { PATH } from '../network/defaults.ts';
import { openPeer } from '../network/peer.ts';
import { removeNativeRoot, type NativeRoot } from './native-root.ts';

/** Linux's loopback MTU: the path is named 'loopback' beside every number. */
const LOOPBACK_MTU = 65536;
const LOOPBACK = '127.0.0.1';

export interface NativeParts {
  launcher: string;
  rootfs: string;
  housekeeping: readonly number[];
  root: NativeRoot;
  cgroup: Cgroup;
}

/** A command bare on the host: the image's bytes by chroot, the limits by cgroup, no namespace. */
export function nativeExecPlan(
  parts: Pick<NativeParts, 'root' | 'cgroup'>,
  argv: readonly string[],
  options: Pick<ExecOptions, 'env' | 'cwd'>,
): LaunchPlan {
  const env = { HOME: '/root', ...options.env };
  return [
    diesWithUs(),
    ...parts.cgroup.joinOps(),
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

export class NativeInstance implements Instance {
  readonly dataDir = '/data';
  readonly network: InstanceNetwork;
  private readonly parts: NativeParts;
  private readonly stopPeers: () => Promise<void>;
  private words = '';
  private readonly io = { readBytes: 0, writeBytes: 0 };

  constructor(parts: NativeParts) {
    this.parts = parts;
    const { peer, stopAll } = openPeer(LOOPBACK, { ...parts, namespacePath: null });
    this.stopPeers = stopAll;
    this.network = { address: LOOPBACK, path: 'loopback', mtu: LOOPBACK_MTU, peer };
  }

  facts(): Record<string, string | number | boolean> {
    return { root: 'chroot', namespaces: 'none' };
  }

  async exec(argv: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { stdin, timeoutMs, signal } = options;
    const plan = nativeExecPlan(this.parts, argv, options);
    const result = await runPlan({ launcher: this.parts.launcher, plan, stdin, timeoutMs, signal });
    this.io.readBytes += result.io?.readBytes ?? 0;
    this.io.writeBytes += result.io?.writeBytes ?? 0;
    if (result.exitCode !== 0) this.words = (result.stdout + result.stderr).slice(-8192);
    return result;
  }

  async copyIn(hostPath: string, insidePath: string): Promise<void> {
    const target = join(this.parts.root.path, insidePath);
    await mkdir(dirname(target), { recursive: true });
    await cp(hostPath, target, { recursive: true });
  }

  async copyOut(insidePath: string, hostPath: string): Promise<void> {
    await cp(join(this.parts.root.path, insidePath), hostPath, { recursive: true });
  }

  async usage(): Promise<ReturnType<Cgroup['cost']>> {
    return Promise.resolve(this.parts.cgroup.cost(diskUsage(this.parts.root.dataFolder), this.io));
  }

  async throttledMs(): Promise<number | null> {
    return Promise.resolve(this.parts.cgroup.throttledMs());
  }

  async lastWords(): Promise<string> {
    return Promise.resolve(this.words);
  }

  async pause(): Promise<void> {
    await this.parts.cgroup.freeze(true);
  }

  async resume(): Promise<void> {
    await this.parts.cgroup.freeze(false);
  }

  async destroy(): Promise<void> {
    await this.stopPeers();
    await this.parts.cgroup.destroy();
    await removeNativeRoot(this.parts.launcher, this.parts.root);
  }
}
