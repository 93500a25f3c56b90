import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE, MS } from '../../launch/constants.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { diesWithUs, startPlan } from '../../launch/launch.ts';
import type { LaunchPlan } from '../../launch/ops.ts';
import { etcFolder, etcMounts } from '../networks/etc-files.ts';
import { overlayOps, type OverlayPlan } from '../plan/container-plan.ts';
import { mountOps } from '../plan/mount-ops.ts';
import { userNamespace } from '../rootless/privilege.ts';
import { removeTree } from '../rootless/remove-tree.ts';
import { ociMount, type ContainerMount } from '../volumes/mount.ts';
import { Inside } from './inside.ts';
import type { ContainerRecord } from './record.ts';
import { containerStatus } from './status.ts';

/** A root that files can be looked for in. */
export interface OpenRoot {
  inside: Inside;
  close(): Promise<void>;
}

/**
 * A container's files as it sees them, volumes and all: of one that runs through its own mount namespace, of one that has ended
 * through one that is made for this and goes with us.
 */
export async function openRoot(record: ContainerRecord): Promise<OpenRoot> {
  const status = containerStatus(record);
  if (status === 'running' || status === 'paused' || status === 'created') {
    const inside = new Inside(`/proc/${record.pid}/root`);
    return { inside, close: () => Promise.resolve(inside.close()) };
  }
  const { dataFolder, request, cacheDir } = record;
  const overlay = {
    lower: request.layers,
    upper: join(dataFolder, 'upper'),
    work: join(dataFolder, 'work'),
  };
  await removeTree(overlay.work, cacheDir);
  mkdirSync(overlay.work, { recursive: true });
  const binds = [
    ...etcMounts(etcFolder(dataFolder), request.mounts).filter((each) => existsSync(each.source)),
    ...request.mounts.filter((each) => each.type !== 'tmpfs'),
  ];
  return mountedRoot(join(dataFolder, 'root'), overlay, binds, cacheDir);
}

/** What an image has, untouched: its layers below an upper folder of no use, which goes again. */
export async function openImageRoot(
  layers: readonly string[],
  folder: string,
  cacheDir: string,
): Promise<OpenRoot> {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name));
  for (const each of [upper, work, root]) mkdirSync(each ?? '', { recursive: true });
  const overlay = { lower: layers, upper: upper ?? '', work: work ?? '' };
  const opened = await mountedRoot(root ?? '', overlay, [], cacheDir);
  return {
    inside: opened.inside,
    async close() {
      await opened.close();
      await removeTree(folder, cacheDir);
    },
  };
}

async function mountedRoot(
  root: string,
  overlay: OverlayPlan,
  mounts: readonly ContainerMount[],
  cacheDir: string,
): Promise<OpenRoot> {
  const namespace = userNamespace();
  const context = {
    isFolder: (path: string) => statSync(path).isDirectory(),
    cgroupFolders: [],
    unified: true,
  };
  const plan: LaunchPlan = [
    diesWithUs(),
    ...(namespace?.enter ?? []),
    { op: 'unshare', flags: CLONE.NEWNS },
    { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
    ...overlayOps(root, overlay, namespace !== null),
    { op: 'root', path: root },
    ...mounts.flatMap((mount) => mountOps(ociMount(mount), context)),
    { op: 'init', name: 'tare-files' },
  ];
  const holder = await startPlan({ launcher: await ensureLauncher(cacheDir), plan });
  const inside = new Inside(`/proc/${holder.pid}/root${root}`);
  return {
    inside,
    async close() {
      inside.close();
      await holder.stop();
    },
  };
}
