import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';
import { identitySchema, isAlive, ownIdentity } from './process-identity.ts';

const POLL_MS = 20;
const WAIT_MS = 60_000;
/** File times come from a coarser clock than Date.now(): a file made after a lease began may look older by some ms. */
const CLOCK_SLACK_MS = 2000;

/**
 * Holds a folder's lock while `work` runs. The lock is a directory renamed into place (rename onto a non-empty directory
 * fails, so only one wins) that names its owner; a dead owner's lock is taken away, so a crash blocks nobody.
 */
export async function withLock<T>(root: string, name: string, work: () => Promise<T>): Promise<T> {
  const lock = join(root, `.lock-${name}`);
  const aside = join(root, `.lock-${name}.${process.pid}.${Math.random().toString(36).slice(2)}`);
  await mkdir(aside);
  await writeFile(join(aside, 'owner.json'), JSON.stringify(ownIdentity()));
  try {
    const deadline = performance.now() + WAIT_MS;
    while (!(await take(aside, lock))) {
      if (await ownerIsDead(lock)) await discard(lock, aside);
      else if (performance.now() > deadline)
        throw new BenchError('image-store-busy', `${lock} is held by another process for over a minute`, {
          hint: 'wait for the other bench command to finish',
        });
      else await pause(POLL_MS);
    }
    try {
      return await work();
    } finally {
      // Moved away before it is taken apart: an emptied lock folder could be taken, and then removed, under its new owner.
      await rename(lock, aside).catch(() => undefined);
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function take(aside: string, lock: string): Promise<boolean> {
  try {
    await rename(aside, lock);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

async function ownerIsDead(lock: string): Promise<boolean> {
  const text = await readFile(join(lock, 'owner.json'), 'utf8').catch(() => undefined);
  // No owner file: it is being given back this very moment.
  if (text === undefined) return false;
  const owner = identitySchema.safeParse(JSON.parse(text));
  return !owner.success || !isAlive(owner.data);
}

/** Moves a dead lock aside before removing it: two who find it dead must not remove a third one's live lock. */
async function discard(lock: string, aside: string): Promise<void> {
  const grave = `${aside}.dead`;
  await rename(lock, grave).catch(() => undefined);
  const text = await readFile(join(grave, 'owner.json'), 'utf8').catch(() => undefined);
  const owner = text === undefined ? undefined : identitySchema.safeParse(JSON.parse(text)).data;
  // Taken between the look and the move: give it back.
  if (owner && isAlive(owner)) await rename(grave, lock).catch(() => undefined);
  await rm(grave, { recursive: true, force: true });
}

/** Marks that content is being added: prune keeps everything newer than the oldest live lease. */
export async function withLease<T>(root: string, work: () => Promise<T>): Promise<T> {
  const folder = join(root, 'leases');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${process.pid}-${Math.random().toString(36).slice(2)}.json`);
  await writeFile(file, JSON.stringify({ ...ownIdentity(), since: Date.now() - CLOCK_SLACK_MS }));
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

const leaseSchema = identitySchema.extend({ since: z.number() });

/** When the oldest live lease began, ms since the epoch; Infinity when there is none. Dead ones are swept. */
export async function oldestLease(root: string): Promise<number> {
  const folder = join(root, 'leases');
  let oldest = Infinity;
  for (const name of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '{}');
    const lease = leaseSchema.safeParse(text === '' ? {} : JSON.parse(text));
    if (lease.success && isAlive(lease.data)) oldest = Math.min(oldest, lease.data.since);
    else if (lease.success) await rm(join(folder, name), { force: true });
  }
  return oldest;
}
