import { rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../results/bench-error.ts';
import type { HostCost } from '../../results/record/trial.ts';
import type { Op } from '../launch/ops.ts';
import { hierarchies, hostLayout, isUnified, type CgroupLayout, type Controller } from './layout.ts';
import { deviceProgram } from './device-program.ts';
import { deviceWrites, type DeviceRule } from './device-rules.ts';
import { EMPTY_TIMEOUT_MS, folderNames, makeBelow, pidsBelow, removeIfEmpty, removeTree } from './folders.ts';
import { freezeCgroup, thaw } from './freezer.ts';
import { limitWrites, type CgroupLimits, type LimitWrite } from './limits.ts';
import { parseBlkioBytes, parseIoStat, pssBytes, readKey, readNumber, readText } from './read-cost.ts';

/** All our cgroups are below this one, in every hierarchy. */
export const PARENT = 'tare';
/** Block I/O of programs that have ended, as getrusage counts it. */
export interface IoBytes {
  readBytes: number;
  writeBytes: number;
}
const NO_IO: IoBytes = { readBytes: 0, writeBytes: 0 };

/** A cgroup of ours: one folder in each hierarchy, made with its limits before anything joins it. */
export class Cgroup {
  readonly layout: CgroupLayout;
  /** Path below the hierarchies, e.g. tare/<owner>/<trial>. */
  readonly path: string;
  /** Limits the kernel does not have. */
  readonly notes: string[] = [];

  constructor(path: string, layout: CgroupLayout = hostLayout()) {
    this.path = path;
    this.layout = layout;
  }

  /** Its folders, one per hierarchy. */
  get folders(): string[] {
    return hierarchies(this.layout).map((mount) => join(mount, this.path));
  }

  /** Makes the folders and sets the limits. */
  create(limits: CgroupLimits): void {
    if (hierarchies(this.layout).length === 0)
      throw new BenchError('no-cgroup', 'this host has no cgroup hierarchy mounted', {
        hint: 'mount -t cgroup2 none /sys/fs/cgroup',
      });
    for (const mount of hierarchies(this.layout)) makeBelow(mount, this.path, this.layout);
    this.setLimits(limits);
  }

  /** Sets or changes limits. */
  setLimits(limits: CgroupLimits): void {
    this.write(limitWrites(this.layout, limits));
  }

  /**
   * Restricts devices. On v1 by the devices controller; on v2 the answer is an operation, since a program must be loaded.
   */
  restrictDevices(rules: readonly DeviceRule[]): Op[] {
    if (isUnified(this.layout))
      return [
        { op: 'cgroup-device-filter', directory: this.folders[0] ?? '', program: deviceProgram(rules) },
      ];
    if (this.layout.v1.devices) this.write(deviceWrites(rules));
    return [];
  }

  private write(writes: readonly LimitWrite[]): void {
    for (const write of writes) {
      const folder = this.folder(write.controller);
      try {
        if (!folder) throw new Error(`there is no ${write.controller} controller`);
        writeFileSync(join(folder, write.file), write.value);
      } catch (cause) {
        const message = `${write.file}=${write.value}: ${(cause as Error).message}`;
        if (!write.optional)
          throw new BenchError('cgroup-limit', `the cgroup limit ${message} was refused`, { cause });
        this.notes.push(message);
      }
    }
  }

  /** Its folder for a controller; on v2 there is one for all. */
  folder(controller: Controller): string | undefined {
    const mount = isUnified(this.layout) ? this.layout.v2?.mount : this.layout.v1[controller];
    return mount === undefined ? undefined : join(mount, this.path);
  }

  /** Operations by which a launched process joins it. */
  joinOps(): Op[] {
    return this.folders.map((directory) => ({ op: 'join-cgroup', directory }));
  }

  /** The same for the parent's part of a clone, where it overlaps with the child's work. */
  attachChildOps(): Op[] {
    return this.folders.map((directory) => ({ op: 'attach-child', directory }));
  }

  pids(): number[] {
    const folder = this.folders[0];
    return folder === undefined ? [] : pidsBelow(folder);
  }

  cpuMs(): number {
    if (isUnified(this.layout)) return (readKey(this.file('cpu', 'cpu.stat'), 'usage_usec') ?? 0) / 1e3;
    return (readNumber(this.file('cpuacct', 'cpuacct.usage')) ?? 0) / 1e6;
  }

  /** The user-mode part of cpuMs; null where the kernel does not say. */
  private cpuUserMs(): number | null {
    if (isUnified(this.layout)) {
      const us = readKey(this.file('cpu', 'cpu.stat'), 'user_usec');
      return us === null ? null : us / 1e3;
    }
    const ns = readNumber(this.file('cpuacct', 'cpuacct.usage_user'));
    return ns === null ? null : ns / 1e6;
  }

  /** Reads of the cgroup and of /proc/<pid>/smaps_rollup only. */
  cost(diskBytes: number | null, programs: IoBytes = NO_IO): HostCost {
    const unified = isUnified(this.layout);
    const io = unified
      ? parseIoStat(readText(this.file('io', 'io.stat')) ?? '')
      : parseBlkioBytes(readText(this.file('blkio', 'blkio.throttle.io_service_bytes')) ?? '');
    return {
      cpuMs: this.cpuMs(),
      cpuUserMs: this.cpuUserMs(),
      memoryPssBytes: pssBytes(this.pids()),
      memoryCgroupBytes: readNumber(
        this.file('memory', unified ? 'memory.current' : 'memory.usage_in_bytes'),
      ),
      // v1's counters stand still on newer kernels while nothing is throttled; then the programs' own totals tell.
      ioReadBytes: Math.max(io.read, programs.readBytes),
      ioWriteBytes: Math.max(io.write, programs.writeBytes),
      diskBytes,
    };
  }

  throttledMs(): number | null {
    const file = this.file('cpu', 'cpu.stat');
    if (isUnified(this.layout)) {
      const us = readKey(file, 'throttled_usec');
      return us === null ? null : us / 1e3;
    }
    const ns = readKey(file, 'throttled_time');
    return ns === null ? null : ns / 1e6;
  }

  /** How many of its processes were killed for want of memory. */
  oomKills(): number {
    return isUnified(this.layout)
      ? (readKey(this.file('memory', 'memory.events'), 'oom_kill') ?? 0)
      : (readKey(this.file('memory', 'memory.oom_control'), 'oom_kill') ?? 0);
  }

  /** @throws BenchError `cgroup-freezer`. */
  freeze(frozen: boolean): Promise<void> {
    return freezeCgroup(this, frozen);
  }

  /** Kills everything in it and below; resolves when it is empty. */
  async killAll(): Promise<void> {
    const deadline = Date.now() + EMPTY_TIMEOUT_MS;
    for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
      const pids = this.pids();
      if (pids.length === 0) return;
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
      }
      thaw(this);
      if (Date.now() > deadline)
        throw new BenchError('cgroup-busy', `processes ${pids.join(', ')} in cgroup ${this.path} do not end`);
      await sleep(wait);
    }
  }

  /** Kills what is in it and removes it. Idempotent. */
  async destroy(): Promise<void> {
    await this.killAll();
    for (const folder of this.folders) await removeTree(folder);
    // The owner's level goes with its last trial; the parent stays for others.
    const above = dirname(this.path);
    if (above !== '.' && above !== PARENT)
      for (const mount of hierarchies(this.layout)) removeIfEmpty(join(mount, above));
  }

  /** One of its files; one that cannot be there where the controller is not. */
  file(controller: Controller, name: string): string {
    return join(this.folder(controller) ?? '/nonexistent', name);
  }
}

/** Makes `tare/<owner>/<trial>` with its limits, before anything joins it. */
export function createCgroup(owner: string, trial: string, limits: CgroupLimits): Cgroup {
  const cgroup = new Cgroup(join(PARENT, owner, trial));
  cgroup.create(limits);
  return cgroup;
}

/** Owners that have cgroups, with their trials: what a sweep looks at. */
export function listCgroups(
  layout: CgroupLayout = hostLayout(),
  parent: string = PARENT,
): { owner: string; trial: string }[] {
  const found = new Map<string, { owner: string; trial: string }>();
  for (const mount of hierarchies(layout)) {
    for (const owner of folderNames(join(mount, parent))) {
      const trials = folderNames(join(mount, parent, owner));
      if (trials.length === 0) found.set(owner, { owner, trial: '' });
      for (const trial of trials) found.set(`${owner}/${trial}`, { owner, trial });
    }
  }
  return [...found.values()];
}

/**
 * Takes our parent away from every hierarchy where nothing is in it any more; whoever comes next makes it again. For when no
 * owner is left: a cgroup that has children or processes is never removed by rmdir, so others are safe either way.
 */
export function removeEmptyParent(layout: CgroupLayout = hostLayout()): void {
  for (const mount of hierarchies(layout)) {
    const parent = join(mount, PARENT);
    for (const folder of [...folderNames(parent).map((name) => join(parent, name)), parent]) {
      try {
        rmdirSync(folder);
      } catch {
        // Somebody's, or gone.
      }
    }
  }
}
