import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { removeEmptyParent } from '../../runtimes/cgroup/cgroup.ts';
import { listOwners, registerOwner, releaseOwner } from '../../runtimes/sweep/owner.ts';
import { newOwnerTag } from './owner.ts';

/** This process's claim on everything named `owner`, and its scratch folder; given up at the end of the run. */
export interface Claim {
  owner: string;
  scratchDir: string;
  release(): Promise<void>;
}

/**
 * Draws an owner tag, makes its scratch folder and registers it, so that a sweep finds what this run leaves if it is killed.
 * @throws BenchError `scratch-unwritable` when the cache folder or the register cannot be written.
 */
export async function claimScratch(scratchRoot: string): Promise<Claim> {
  const owner = newOwnerTag();
  const scratchDir = join(scratchRoot, owner);
  try {
    await mkdir(scratchDir, { recursive: true });
    await registerOwner(owner, scratchDir);
  } catch (cause) {
    throw new BenchError(
      'scratch-unwritable',
      `a run needs ${scratchDir}, and cannot make it: ${(cause as Error).message}`,
      {
        hint: 'run as root, or set TARE_CACHE to a folder on a real disk that you can write to',
        cause,
      },
    );
  }
  return {
    owner,
    scratchDir,
    async release() {
      await rm(scratchDir, { recursive: true, force: true });
      await releaseOwner(owner);
      if (listOwners().length === 0) removeEmptyParent();
    },
  };
}
