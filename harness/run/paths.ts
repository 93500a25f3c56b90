import { homedir } from 'node:os';
import { join } from 'node:path';
import { ownUid } from '../../runtimes/container/rootless/privilege.ts';

/** Where things are kept on this machine. */
export interface Paths {
  /** Survives runs: guest image, disks, compiled launcher. */
  cacheDir: string;
  /** Per-run folders on a real disk, removed with the run. */
  scratchRoot: string;
  /** Runs of this project. */
  runsDir: string;
}

/** The machine's paths: under /var/cache for root, under the user's cache otherwise; TARE_CACHE overrides. */
export function machinePaths(env: NodeJS.ProcessEnv = process.env, uid = ownUid()): Paths {
  const cacheDir =
    env.TARE_CACHE ??
    (uid === 0
      ? '/var/cache/tare'
      : join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'tare'));
  return {
    cacheDir,
    scratchRoot: join(cacheDir, 'scratch'),
    runsDir: join(process.cwd(), 'results', 'runs'),
  };
}
