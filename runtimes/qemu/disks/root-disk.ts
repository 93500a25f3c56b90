import { execa } from 'execa';
import { join } from 'node:path';
import type { Image } from '../../contract.ts';
import { cachedFile } from '../../compile/cached-file.ts';
import { EXT4_OVERHEAD, ROOT_SLACK_MIB } from '../defaults.ts';
import { runTool } from '../run-tool.ts';

/**
 * The image's tree as a raw ext4 disk, made without mounting anything; read-only backing of every trial's root overlay.
 * No journal: the disk is thrown away with its trial, and nothing is measured on it.
 */
export async function ensureRootDisk(image: Image, cacheDir: string, signal?: AbortSignal): Promise<string> {
  const path = join(cacheDir, 'qemu', `root-${image.digest.slice(0, 24)}-${ROOT_SLACK_MIB}.raw`);
  return cachedFile(path, async (aside) => {
    const sizeMiB = Math.ceil((await treeMiB(image.rootfs)) * EXT4_OVERHEAD) + ROOT_SLACK_MIB;
    await runTool(mke2fsArgv(aside, sizeMiB, { tree: image.rootfs, journal: false }), signal);
  });
}

/**
 * An empty overlay on a disk that is never written again. It names its backing file by its absolute path and holds
 * nothing else, so each trial's overlay is a copy of these 200 KiB instead of a run of qemu-img.
 */
export async function makeBlankOverlay(
  base: string,
  format: 'raw' | 'qcow2',
  to: string,
  signal?: AbortSignal,
): Promise<void> {
  await runTool(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', format, '-b', base, to], signal);
}

/**
 * Inode tables are left to holes (the file starts sparse, so they read as zeros) and the guest mounts with
 * noinit_itable, else a kernel thread would write them while a trial measures.
 */
export function mke2fsArgv(
  path: string,
  sizeMiB: number,
  options: { tree?: string; journal: boolean; label?: string },
): string[] {
  return [
    'mke2fs',
    '-q',
    '-F',
    ...['-t', 'ext4'],
    ...['-m', '0'],
    ...['-E', `lazy_itable_init=1,nodiscard${options.journal ? ',lazy_journal_init=1' : ''}`],
    ...(options.journal ? [] : ['-O', '^has_journal']),
    ...(options.label ? ['-L', options.label] : []),
    ...(options.tree ? ['-d', options.tree] : []),
    path,
    `${sizeMiB}M`,
  ];
}

async function treeMiB(folder: string): Promise<number> {
  const { stdout } = await execa('du', ['-sxk', folder]);
  return Math.ceil(Number.parseInt(stdout, 10) / 1024);
}
