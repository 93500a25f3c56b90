import { execa } from 'execa';
import { copyFile, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { hostPrivilege } from '../container/rootless/privilege.ts';

/** Where root keeps images: `bench setup` as root makes one that every user of the machine can copy. */
export const MACHINE_CACHE = '/var/cache/tare';
const COPY_TIMEOUT_MS = 5 * 60_000;

/**
 * The folder of an image that root made, when this is another user's cache; null when there is none that can be trusted: it and
 * all above it must be root's alone to write, since what is measured is executed from it.
 */
export async function sharedImage(folder: string, cacheDir: string): Promise<string | null> {
  if (hostPrivilege().kind === 'root' || folder.startsWith(`${cacheDir}/`)) return null;
  for (const path of [folder, join(folder, 'image.json'), join(folder, 'rootfs')]) {
    const stat = await lstat(path).catch(() => undefined);
    // Root of a user namespace sees the machine's root as nobody.
    if (!stat || ![0, 65534].includes(stat.uid) || (stat.mode & 0o022) !== 0) return null;
  }
  return folder;
}

/**
 * A copy that belongs to this user, so that root inside owns it. What only root may read (password hashes, root's own empty home,
 * lock files) and device nodes are left out; the measuring tools are the same bytes.
 */
export async function copySharedImage(folder: string, target: string): Promise<void> {
  const rootfs = join(target, 'rootfs');
  await mkdir(rootfs);
  // The first tar ends with 1 or 2 when it passed over what it may not read; a stream cut short fails the second.
  const script =
    'tar -C "$1" --ignore-failed-read --exclude="./dev/*" --sparse -cf - . | tar -C "$2" --no-same-owner -xpf -';
  const copied = await execa('sh', ['-c', script, 'sh', join(folder, 'rootfs'), rootfs], {
    stdin: 'ignore',
    reject: false,
    timeout: COPY_TIMEOUT_MS,
  });
  if (copied.failed)
    throw new BenchError('image-copy', `the guest image in ${folder} cannot be copied: ${copied.stderr}`, {
      hint: 'is there room on the disk? TARE_CACHE can be on another one',
    });
  await mkdir(join(rootfs, 'root'), { recursive: true, mode: 0o700 });
  await copyFile(join(folder, 'image.json'), join(target, 'image.json'));
}

/** @throws BenchError `image-needs-root` for a user to whom only one id is mapped: Debian's packages have files of several. */
export function refuseWithoutIds(): void {
  const privilege = hostPrivilege();
  if (privilege.kind !== 'user' || privilege.maps.single === null) return;
  const { reason, remedy } = privilege.maps.single;
  throw new BenchError(
    'image-needs-root',
    `the guest image is not here, and this user cannot make it: ${reason}`,
    {
      hint: `let root make it once for all users (sudo ./bench setup), or ${remedy}`,
    },
  );
}
