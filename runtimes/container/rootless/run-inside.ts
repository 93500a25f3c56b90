import { constants } from 'node:os';
import type { Op } from '../../launch/ops.ts';
import { hostPrivilege, userNamespace, type Privilege } from './privilege.ts';

/** Whether work on image trees has to be done as root of a user namespace: where files belong to several ids of ours. Pure. */
export function worksInside(privilege: Privilege): boolean {
  return privilege.kind === 'user' && privilege.refusal === null && privilege.maps.single === null;
}

/**
 * Runs this very command again as root of a user namespace with all of the user's ids, on our own streams, as `buildah unshare`
 * does: whoever reads and writes image trees can then read and remove what belongs to any of them. Resolves with the exit
 * code, or null when there is no need.
 */
export async function runInside(cacheDir: string, argv: readonly string[]): Promise<number | null> {
  const privilege = hostPrivilege();
  if (!worksInside(privilege)) return null;
  // Most commands never come here, and need no launcher.
  const [{ ensureLauncher }, { diesWithUs, startPlan }] = await Promise.all([
    import('../../launch/ensure-launcher.ts'),
    import('../../launch/launch.ts'),
  ]);
  const exec: Op = {
    op: 'exec',
    argv: [process.execPath, ...process.execArgv, ...argv.slice(1)],
    env: Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    ),
    search: 0,
  };
  const plan = [diesWithUs(), ...(userNamespace(privilege)?.enter ?? []), exec];
  const launched = await startPlan({
    ...{ launcher: await ensureLauncher(cacheDir), plan },
    ...{ stdin: 0, stdout: 1, stderr: 2 },
  });
  const { exitCode, signal } = await launched.exited;
  return exitCode ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}
