import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { execa } from 'execa';
import { Cgroup, listCgroups, removeEmptyParent } from '../cgroup/cgroup.ts';
import { hostLayout, unescapeOctal } from '../cgroup/layout.ts';
import { cgroupParent } from '../container/rootless/cgroup-place.ts';
import { removeTree } from '../container/rootless/remove-tree.ts';
import { NETNS_FOLDER } from '../network/defaults.ts';
import { isAlive, listOwners, ownersFolder, releaseOwner, type Owner } from './owner.ts';

/**
 * Removes everything that dead owners left: their processes, mounts, network namespaces, cgroups and scratch folders.
 * Touches nothing of a living owner and nothing that no owner claims. Returns what was removed, in words.
 */
export async function sweep(claims = ownersFolder()): Promise<string[]> {
  const removed: string[] = [];
  for (const owner of listOwners(claims)) {
    if (isAlive(owner)) continue;
    removed.push(...(await sweepOwner(owner)));
    await releaseOwner(owner.owner, claims);
    removed.push(`the claim of ${owner.owner} (process ${owner.pid} is gone)`);
  }
  if (listOwners(claims).length === 0) removeEmptyParent();
  return removed;
}

/** Removes everything of an owner, its processes first, whether it lives or not; its claim last. */
export async function removeOwned(owner: Owner, claims = ownersFolder()): Promise<void> {
  await sweepOwner(owner);
  await releaseOwner(owner.owner, claims);
  if (listOwners(claims).length === 0) removeEmptyParent();
}

async function sweepOwner(owner: Owner): Promise<string[]> {
  const removed: string[] = [];
  const parent = cgroupParent();
  const own = listCgroups(hostLayout(), parent).filter((found) => found.owner === owner.owner);
  for (const { trial } of own) {
    const cgroup = new Cgroup(join(parent, owner.owner, trial));
    const pids = cgroup.pids();
    await cgroup.destroy();
    if (pids.length > 0) removed.push(`processes ${pids.join(', ')}`);
    removed.push(`cgroup ${cgroup.path}`);
  }
  removed.push(...(await sweepNamespaces(owner)));
  removed.push(...(await sweepMounts(owner)));
  if (existsSync(owner.scratchDir)) {
    // Only what carries the owner's name: a claim cannot make us delete anything else.
    if (!basename(owner.scratchDir).includes(owner.owner) || mountsBelow(owner.scratchDir).length > 0)
      throw new BenchError(
        'sweep-refused',
        `${owner.scratchDir} is not removed: it is not plainly ${owner.owner}'s`,
        {
          hint: `look at it and at ${join(ownersFolder(), owner.owner)}.json, and remove both by hand`,
        },
      );
    // <cache>/scratch/<owner>: the launcher that an ordinary user may need for it is in the cache.
    await removeTree(owner.scratchDir, dirname(dirname(owner.scratchDir)));
    removed.push(`folder ${owner.scratchDir}`);
  }
  return removed;
}

async function sweepNamespaces(owner: Owner): Promise<string[]> {
  if (!existsSync(NETNS_FOLDER)) return [];
  const removed: string[] = [];
  for (const name of readdirSync(NETNS_FOLDER).filter((each) => each.startsWith(`${owner.owner}-`))) {
    const path = join(NETNS_FOLDER, name);
    const pids = processesInNetwork(statSync(path).ino);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    if (pids.length > 0) removed.push(`processes ${pids.join(', ')}`);
    await unmount([path]);
    rmSync(path, { force: true });
    removed.push(`network namespace ${name}`);
  }
  return removed;
}

function processesInNetwork(inode: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`;
      } catch {
        return false;
      }
    });
}

async function sweepMounts(owner: Owner): Promise<string[]> {
  const mounts = mountsBelow(owner.scratchDir);
  if (mounts.length === 0) return [];
  // The latest first: a mount can only go after what is mounted on it.
  const latestFirst = mounts.reverse();
  await unmount(latestFirst);
  return latestFirst.map((path) => `mount ${path}`);
}

/** By the system's umount: a sweep must work where no launcher was ever compiled. */
async function unmount(paths: string[]): Promise<void> {
  await execa('umount', ['--lazy', '--no-canonicalize', ...paths], { reject: false, timeout: 30_000 });
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((path) => path === folder || path.startsWith(`${folder}/`));
}
