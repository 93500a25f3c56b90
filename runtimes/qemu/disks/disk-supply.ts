import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../compile/cached-file.ts';
import { runTool } from '../run-tool.ts';
import { discardDisk, makeDataDisk, type DataDiskOptions, type DataTemplate } from './data-disk.ts';
import { isWhollyAllocated, rewriteFileSystem } from './rewrite-file-system.ts';

/** A data disk that no guest has seen. */
export interface NewDisk {
  madeBy: string;
  /** Time its making took, ms: before the start of the trial that uses it. */
  madeMs: number;
}

export type SupplyOptions = DataDiskOptions & { discard: 'ignore' | 'unmap' };

/**
 * The data disks of arms that ask for the same kind. The next trial's disk is made between trials, so that no start and
 * no timed window carries the writing of a preallocated or pre-written one, and its data is on the disk by then: the
 * host does not write it back while a guest is measured. A disk whose every block was written stays so through a trial;
 * it is used again with the file system put back, instead of being written anew.
 */
export class DiskSupply {
  private readonly template: DataTemplate;
  private readonly options: SupplyOptions;
  private readonly base: string;
  private readonly signal: AbortSignal | undefined;
  private spare: { path: string; disk: NewDisk } | undefined;
  private used: string | undefined;
  private counter = 0;

  constructor(template: DataTemplate, options: SupplyOptions, folder: string, signal?: AbortSignal) {
    this.template = template;
    this.options = options;
    this.signal = signal;
    const key = digestOf(
      JSON.stringify([template.path, options.format, options.preallocation, options.state]),
    );
    this.base = join(folder, `blank-data-${key}`);
  }

  /** A disk in its initial state at the path: the one made ahead, or one made now. */
  async take(to: string): Promise<NewDisk> {
    const { spare } = this;
    this.spare = undefined;
    if (!spare) return this.make(to);
    await rename(spare.path, to);
    return spare.disk;
  }

  /** After the trial: kept to be used again where that is possible, else its blocks are given back. */
  async giveBack(path: string): Promise<void> {
    if (!reusable(this.options) || this.used !== undefined) return discardDisk(path);
    const aside = this.nextPath();
    this.used = aside;
    await rename(path, aside).catch(() => (this.used = undefined));
  }

  /** Makes the next trial's disk. A failure is left to whoever takes it: then it has a trial to be told in. */
  async restock(): Promise<void> {
    if (this.spare) return;
    const { used } = this;
    this.used = undefined;
    const begun = performance.now();
    if (used !== undefined) {
      if (await this.renew(used).catch(() => false)) {
        this.spare = { path: used, disk: { madeBy: 'used again', madeMs: performance.now() - begun } };
        return;
      }
      await discardDisk(used);
    }
    const path = this.nextPath();
    await this.make(path).then(
      (disk) => (this.spare = { path, disk }),
      () => discardDisk(path),
    );
  }

  private async make(to: string): Promise<NewDisk> {
    const begun = performance.now();
    const madeBy = await makeDataDisk(this.template, to, this.signal);
    await settle(to, reusable(this.options), this.signal);
    return { madeBy, madeMs: performance.now() - begun };
  }

  /** False when it is no longer what was asked for. */
  private async renew(path: string): Promise<boolean> {
    if (!(await isWhollyAllocated(path, this.options.format, this.signal))) return false;
    await rewriteFileSystem(this.template.plain, path, this.options.format, this.signal);
    await settle(path, true, this.signal);
    return true;
  }

  private nextPath(): string {
    return `${this.base}-${++this.counter}.${this.options.format}`;
  }
}

/** Kinds whose blocks are all written from the start, and that nothing takes away again. */
export function reusable(options: SupplyOptions): boolean {
  const written =
    options.state === 'written' || (options.state === 'fresh' && options.preallocation === 'full');
  return written && options.discard === 'ignore' && !options.lazyRefcounts;
}

/** What was written is on the disk, and a large disk's pages are out of the host's cache: every trial begins alike. */
async function settle(path: string, large: boolean, signal?: AbortSignal): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
  if (large) await runTool(['dd', `if=${path}`, 'iflag=nocache', 'count=0', 'status=none'], signal);
}

/** Scratch folder and kind → the supply, while this process lives. Disks end with the run's scratch folder. */
const supplies = new Map<string, DiskSupply>();

/** The run's supply of such disks: arms that differ in how a disk is opened, not in what it is, share one. */
export function diskSupplyFor(
  template: DataTemplate,
  options: SupplyOptions,
  folder: string,
  signal?: AbortSignal,
): DiskSupply {
  const { format, preallocation, state, diskMiB, clusterKiB, lazyRefcounts, discard } = options;
  const kind = [format, preallocation, state, diskMiB, clusterKiB, lazyRefcounts, discard];
  const key = JSON.stringify([folder, template.path, ...kind]);
  const known = supplies.get(key) ?? new DiskSupply(template, options, folder, signal);
  supplies.set(key, known);
  return known;
}
