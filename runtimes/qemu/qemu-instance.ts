import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BenchError } from '../../results/bench-error.ts';
import type { HostCost } from '../../results/record/trial.ts';
import type { ExecOptions, ExecResult, Instance, InstanceNetwork } from '../contract.ts';
import { PIECE_BYTES } from './defaults.ts';
import { consoleTail } from './control/console.ts';
import type { QmpClient } from './control/qmp-client.ts';
import { insideRoot } from './firmware/firmware-options.ts';
import type { Emulator } from './machine/emulator.ts';
import { guestExec } from './machine/guest-exec.ts';
import type { GuestLink } from './machine/guest-link.ts';
import { pathOf } from './network/network-kinds.ts';
import { removePlace, type Installation, type Place } from './place.ts';
import { runTool } from './run-tool.ts';

export type Facts = Record<string, string | number | boolean>;

export interface QemuParts {
  installation: Installation;
  place: Place;
  emulator: Emulator;
  link: GuestLink;
}

/** A running virtual machine. */
export class QemuInstance implements Instance {
  readonly dataDir = '/data';
  readonly network: InstanceNetwork;
  readonly parts: QemuParts;
  private readonly startFacts: Facts;
  private destroyed: Promise<void> | undefined;

  constructor(parts: QemuParts, startFacts: Facts) {
    this.parts = parts;
    this.startFacts = startFacts;
    const { options } = parts.installation;
    const { subnet, peer, netdev } = parts.place.network;
    this.network = {
      address: subnet.inside,
      path: pathOf(options, netdev.kind === 'tap' && netdev.vhost),
      mtu: options.mtu,
      peer,
    };
  }

  /** The host pid of QEMU, for those who look at it from outside. */
  get pid(): number {
    return this.parts.emulator.pid;
  }

  /** QEMU's monitor, for those who ask it what is in force. */
  get qmp(): QmpClient {
    return this.parts.emulator.qmp;
  }

  /** The file of the disk under test on the host. */
  get dataDisk(): string {
    return this.parts.place.dataDisk;
  }

  facts(): Facts {
    const { installation, place } = this.parts;
    const { options } = installation;
    return {
      accelerator: installation.accel,
      machine: options.machine,
      ...systemFacts(installation),
      diskFormat: options.format,
      diskPreallocation: options.preallocation,
      diskState: options.state,
      diskCache: options.cache,
      diskAio: options.aio,
      networkQueues: options.queues,
      diskMadeBy: place.dataDiskMade.madeBy,
      diskMadeMs: Math.round(place.dataDiskMade.madeMs * 10) / 10,
      diskBytesBefore: place.dataDiskBeforeBytes,
      diskBytesNow: allocated(place.dataDisk),
      rootDiskBytesNow: allocated(place.rootDisk),
      ...rounded(this.startFacts),
    };
  }

  exec(argv: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { emulator, link } = this.parts;
    return emulator.during(`while it ran ${argv[0] ?? 'nothing'}`, guestExec(link, argv, options));
  }

  async copyIn(hostPath: string, insidePath: string): Promise<void> {
    if ((await stat(hostPath)).isDirectory()) return this.copyTree('in', hostPath, insidePath);
    await this.must(['mkdir', '-p', dirname(insidePath)]);
    const pieces = createReadStream(hostPath, { highWaterMark: PIECE_BYTES });
    await this.transfer(this.parts.link.agent.writeFile(this.seenByAgent(insidePath), pieces));
    const mode = ((await stat(hostPath)).mode & 0o7777).toString(8);
    await this.must(['chmod', mode, insidePath]);
  }

  async copyOut(insidePath: string, hostPath: string): Promise<void> {
    const kind = await this.exec(['test', '-d', insidePath]);
    if (kind.exitCode === 0) return this.copyTree('out', hostPath, insidePath);
    const pieces = this.parts.link.agent.readFile(this.seenByAgent(insidePath));
    await this.transfer(pipeline(pieces, createWriteStream(hostPath)));
  }

  /** Reads of /proc and the cgroup only. */
  usage(): Promise<HostCost> {
    const { place } = this.parts;
    return Promise.resolve(place.cgroup.cost(allocated(place.dataDisk) + allocated(place.rootDisk)));
  }

  throttledMs(): Promise<number | null> {
    return Promise.resolve(this.parts.place.cgroup.throttledMs());
  }

  async lastWords(): Promise<string> {
    const { emulator, place } = this.parts;
    return [emulator.words.trim(), await consoleTail(place.sockets.console)].filter(Boolean).join('\n');
  }

  async pause(): Promise<void> {
    await this.monitor('stop');
  }

  async resume(): Promise<void> {
    await this.monitor('cont');
  }

  destroy(): Promise<void> {
    this.destroyed ??= this.remove();
    return this.destroyed;
  }

  /** Lets it go on without us. */
  release(): void {
    this.parts.link.close();
    this.parts.emulator.release();
  }

  /** Commands may see another tree than the agent does. */
  private seenByAgent(insidePath: string): string {
    return insideRoot(this.parts.installation.options) + insidePath;
  }

  private async remove(): Promise<void> {
    this.parts.link.close();
    await this.parts.emulator.destroy();
    await removePlace(this.parts.place);
  }

  private async monitor(command: string): Promise<void> {
    const { emulator } = this.parts;
    await emulator.during(`during ${command}`, emulator.qmp.execute(command));
  }

  private transfer<T>(work: Promise<T>): Promise<T> {
    return this.parts.emulator.during('while it copied a file', work);
  }

  private async must(argv: string[]): Promise<void> {
    const result = await this.exec(argv);
    if (result.exitCode !== 0)
      throw new BenchError('vm-copy', `${argv.join(' ')} failed in the guest: ${result.stderr.trim()}`);
  }

  /** A folder goes as one archive: a file at a time would cost several round trips each. */
  private async copyTree(direction: 'in' | 'out', hostPath: string, insidePath: string): Promise<void> {
    const folder = await mkdtemp(join(this.parts.place.folder, 'copy-'));
    const archive = join(folder, 'archive.tar');
    const inside = `/tmp/${basename(folder)}.tar`;
    try {
      if (direction === 'in') {
        await runTool(['tar', '-C', hostPath, '-cf', archive, '.']);
        await this.copyIn(archive, inside);
        await this.must(['mkdir', '-p', insidePath]);
        await this.must(['tar', '-C', insidePath, '-xf', inside]);
      } else {
        await this.must(['tar', '-C', insidePath, '-cf', inside, '.']);
        await this.copyOut(inside, archive);
        await runTool(['mkdir', '-p', hostPath]);
        await runTool(['tar', '-C', hostPath, '-xf', archive, '--no-same-owner']);
      }
      await this.must(['rm', '-f', inside]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** What started a user's system, and whose programs run in it. */
function systemFacts({ system, options }: Installation): Facts {
  if (!system) return {};
  return {
    image: basename(system.disk.path),
    imageFormat: system.disk.format,
    firmware: options.firmware,
    tools: options.tools,
  };
}

function allocated(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

/** Milliseconds to a tenth; other facts as they are. */
function rounded(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      key,
      key.endsWith('Ms') && typeof value === 'number' ? Math.round(value * 10) / 10 : value,
    ]),
  );
}
