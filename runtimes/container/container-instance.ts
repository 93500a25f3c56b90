import { execa } from 'execa';
import { basename, dirname, join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { CLONE } from '../launch/constants.ts';
import type { ExecOptions, ExecResult, Instance, InstanceNetwork } from '../contract.ts';
import { diesWithUs, runPlan, type Launched } from '../launch/launch.ts';
import { processStartTime } from '../sweep/owner.ts';
import { MTU } from '../network/defaults.ts';
import type { openPeer } from '../network/peer.ts';
import type { Subnet } from '../network/subnet.ts';
import { diskUsage } from './disk-usage.ts';
import { ALL_NAMESPACES, execPlan, type RunningContainer } from './plan/exec-plan.ts';
import type { SeccompProgram } from './plan/process-ops.ts';
import type { Confinement } from './rootless/confinement.ts';
import type { UserNamespace } from './rootless/privilege.ts';
import { removeTree } from './rootless/remove-tree.ts';
import { DEFAULT_PATH, defaultProcess } from './spec/default-spec.ts';
import { isUnified } from '../cgroup/layout.ts';

export interface ContainerParts {
  launcher: string;
  /** Our init, asleep as the first process of the container. */
  init: Launched;
  cgroup: Confinement;
  /** Of an ordinary user; null for root. */
  namespace: UserNamespace | null;
  /** For removing what belongs to a user's other ids. */
  cacheDir: string;
  subnet: Subnet;
  /** The far side, in the namespace of the init's waiting parent. */
  network: ReturnType<typeof openPeer>;
  /** upper, work and the mount point; removed at the end. */
  folder: string;
  seccomp: SeccompProgram | null;
  facts: Record<string, string | number | boolean>;
}

const COPY_TIMEOUT_MS = 120_000;

export class ContainerInstance implements Instance {
  readonly dataDir = '/data';
  readonly network: InstanceNetwork;
  private readonly parts: ContainerParts;
  private readonly container: RunningContainer;
  private words = '';
  private readonly ended = { readBytes: 0, writeBytes: 0, userMs: 0, systemMs: 0 };
  readonly pause?: () => Promise<void>;
  readonly resume?: () => Promise<void>;

  constructor(parts: ContainerParts) {
    this.parts = parts;
    const { subnet, network } = parts;
    this.network = { address: subnet.inside, path: 'veth', mtu: MTU, peer: network.peer };
    this.container = {
      pid: parts.init.pid,
      startTime: processStartTime(parts.init.pid) ?? '0',
      namespaces: parts.namespace ? ALL_NAMESPACES | CLONE.NEWUSER : ALL_NAMESPACES,
      joinOps: parts.cgroup.joinOps(),
    };
    if (parts.cgroup.folders.length > 0) {
      this.pause = () => parts.cgroup.freeze(true);
      this.resume = () => parts.cgroup.freeze(false);
    }
  }

  facts(): Record<string, string | number | boolean> {
    return this.parts.facts;
  }

  async exec(argv: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { stdin, timeoutMs, signal } = options;
    const env = { HOME: '/root', ...options.env };
    const process = defaultProcess({
      argv,
      cwd: options.cwd ?? '/',
      env: [DEFAULT_PATH, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
    });
    const { cgroup, launcher, namespace, seccomp } = this.parts;
    const plan = execPlan(this.container, process, {
      owner: diesWithUs(),
      seccomp,
      preserveFds: 0,
      before: isUnified(cgroup.layout) ? cgroup.beforeOps() : [],
      terminal: [],
      setGroups: namespace?.setGroups !== false,
      birthCgroup: isUnified(cgroup.layout) ? (cgroup.folders[0] ?? null) : null,
    });
    const result = await runPlan({ launcher, plan, stdin, timeoutMs, signal });
    this.ended.readBytes += result.io?.readBytes ?? 0;
    this.ended.writeBytes += result.io?.writeBytes ?? 0;
    this.ended.userMs += result.cpu?.userMs ?? 0;
    this.ended.systemMs += result.cpu?.systemMs ?? 0;
    if (result.exitCode !== 0) this.words = (result.stdout + result.stderr).slice(-8192);
    return result;
  }

  /** By tar through the inside's own tar: paths are resolved by the inside, which can only fool itself. */
  async copyIn(hostPath: string, insidePath: string): Promise<void> {
    const packed = await execa(
      'tar',
      [
        '-C',
        dirname(hostPath),
        '-cf',
        '-',
        '--transform',
        `s,^[^/]*,${basename(insidePath)},`,
        basename(hostPath),
      ],
      { encoding: 'buffer', timeout: COPY_TIMEOUT_MS },
    );
    const folder = dirname(insidePath);
    const script = 'mkdir -p "$1" && exec tar -C "$1" --no-same-owner -xf -';
    await this.must(['sh', '-c', script, 'sh', folder], { stdin: packed.stdout, timeoutMs: COPY_TIMEOUT_MS });
  }

  async copyOut(insidePath: string, hostPath: string): Promise<void> {
    const script = 'tar -C "$1" -cf - "$2" | base64 -w0';
    const packed = await this.must(['sh', '-c', script, 'sh', dirname(insidePath), basename(insidePath)], {
      timeoutMs: COPY_TIMEOUT_MS,
    });
    await execa(
      'tar',
      [
        '-C',
        dirname(hostPath),
        '--transform',
        `s,^[^/]*,${basename(hostPath)},`,
        '--no-same-owner',
        '-xf',
        '-',
      ],
      { input: Buffer.from(packed.stdout, 'base64'), timeout: COPY_TIMEOUT_MS },
    );
  }

  async usage(): Promise<ReturnType<Confinement['cost']>> {
    return Promise.resolve(this.parts.cgroup.cost(diskUsage(join(this.parts.folder, 'upper')), this.ended));
  }

  async throttledMs(): Promise<number | null> {
    return Promise.resolve(this.parts.cgroup.throttledMs());
  }

  async lastWords(): Promise<string> {
    const oom = this.parts.cgroup.oomKills();
    const killed = oom > 0 ? `${oom} process(es) killed: the memory limit was reached\n` : '';
    return Promise.resolve(killed + this.words);
  }

  async destroy(): Promise<void> {
    await this.parts.network.stopAll();
    await this.parts.cgroup.killAll();
    await this.parts.init.stop();
    await this.parts.cgroup.destroy();
    await removeTree(this.parts.folder, this.parts.cacheDir);
  }

  private async must(argv: string[], options: ExecOptions): Promise<ExecResult> {
    const result = await this.exec(argv, options);
    if (result.exitCode !== 0)
      throw new BenchError('container-copy', `copying failed inside the container: ${result.stderr.trim()}`);
    return result;
  }
}
