import { rm } from 'node:fs/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { diesWithUs, runPlan } from '../../launch/launch.ts';
import { onPath, userNamespace } from './privilege.ts';

/**
 * Removes a tree that a box wrote. What belongs to subordinate ids, or is closed to its own owner (overlayfs's work folder),
 * can only be removed by root of a user namespace with the same ids. Idempotent.
 */
export async function removeTree(path: string, cacheDir: string | undefined): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    const namespace = ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
      ? userNamespace()
      : null;
    if (!namespace || cacheDir === undefined) throw error;
    await removeInside(path, cacheDir, namespace.enter);
  }
}

async function removeInside(
  path: string,
  cacheDir: string,
  enter: NonNullable<ReturnType<typeof userNamespace>>['enter'],
): Promise<void> {
  const argv = [onPath('rm') ?? '/bin/rm', '-rf', '--one-file-system', '--', path];
  const plan = [diesWithUs(), ...enter, { op: 'exec', argv, env: ['LC_ALL=C'], search: 0 } as const];
  const result = await runPlan({ launcher: await ensureLauncher(cacheDir), plan });
  if (result.exitCode === 0) return;
  throw new BenchError('remove-tree', `${path} cannot be removed: ${result.stderr.trim()}`, {
    hint: 'were your ranges in /etc/subuid changed since it was made?',
  });
}
