import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../results/bench-error.ts';
import { isUnified, type CgroupLayout } from './layout.ts';
import { readText } from './read-cost.ts';

/** How long a cgroup may stay busy after its processes were killed: the kernel frees them after they are reaped. */
export const EMPTY_TIMEOUT_MS = 5_000;

/** Makes a path one level at a time: a v1 cpuset starts empty, a v2 level must hand controllers down. */
export function makeBelow(mount: string, path: string, layout: CgroupLayout): void {
  let folder = mount;
  for (const part of path.split('/')) {
    if (isUnified(layout)) handDown(folder, layout.v2?.controllers ?? []);
    const above = folder;
    folder = join(folder, part);
    mkdirSync(folder, { recursive: true });
    if (mount === layout.v1.cpuset && !isUnified(layout)) {
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if ((readText(join(folder, file)) ?? '').trim() === '')
          writeFileSync(join(folder, file), readFileSync(join(above, file), 'utf8').trim());
      }
    }
  }
}

const WANTED_V2 = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

function handDown(folder: string, offered: string[]): void {
  for (const controller of WANTED_V2.filter((name) => offered.includes(name))) {
    try {
      writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // Not delegated to us, or held back by processes at this level: the limit itself will say so when it is set.
    }
  }
}

/** Removes a cgroup and all below it. Most have nothing below, so that is looked for only when the kernel says busy. */
export async function removeTree(folder: string): Promise<void> {
  const deadline = Date.now() + EMPTY_TIMEOUT_MS;
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    try {
      rmdirSync(folder);
      return;
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || Date.now() > deadline)
        throw new BenchError('cgroup-busy', `the cgroup ${folder} cannot be removed`, { cause });
    }
    const below = folderNames(folder);
    for (const name of below) await removeTree(join(folder, name));
    if (below.length === 0) await sleep(wait);
  }
}

/** Removes a level unless others are in it. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Others are in it.
  }
}

/** Cgroups directly below one; none where it is not there. */
export function folderNames(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Processes in a cgroup and below it. */
export function pidsBelow(folder: string): number[] {
  const own = (readText(join(folder, 'cgroup.procs')) ?? '').split('\n').filter(Boolean).map(Number);
  return [...own, ...folderNames(folder).flatMap((name) => pidsBelow(join(folder, name)))];
}
