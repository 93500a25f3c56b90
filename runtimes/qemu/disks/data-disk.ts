import { stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFile, digestOf } from '../../compile/cached-file.ts';
import type { QemuOptions } from '../options.ts';
import { runTool } from '../run-tool.ts';
import { mke2fsArgv } from './root-disk.ts';
import { sparseCopy } from './sparse-copy.ts';

/** The options that decide what the data disk is. */
export type DataDiskOptions = Pick<
  QemuOptions,
  'format' | 'preallocation' | 'state' | 'diskMiB' | 'clusterKiB' | 'lazyRefcounts'
>;

/** The file system's label, by which a system with udev finds the disk whatever bus it is on. */
export const DATA_LABEL = 'tare-data';

/** A data disk ready to be copied (or backed) for each trial. */
export interface DataTemplate {
  path: string;
  /** The file system alone, as a sparse raw file. */
  plain: string;
  options: DataDiskOptions;
}

/** `-o` options of qemu-img for the disk. */
export function creationOptions(options: DataDiskOptions): string[] {
  const words = options.preallocation === 'off' ? [] : [`preallocation=${options.preallocation}`];
  if (options.format === 'qcow2') {
    words.push(`cluster_size=${options.clusterKiB}k`, 'compat=1.1');
    if (options.lazyRefcounts) words.push('lazy_refcounts=on');
  }
  return words;
}

/**
 * The disk under test as it is before a trial: an ext4 file system on exactly the format asked for. Preallocated disks
 * are made for each trial instead (a copy would lose their unwritten extents), from the plain file system made here.
 */
export async function ensureDataTemplate(
  options: DataDiskOptions,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<DataTemplate> {
  const folder = join(cacheDir, 'qemu');
  const plain = join(folder, `data-${options.diskMiB}.raw`);
  await cachedFile(plain, async (aside) => {
    await runTool(mke2fsArgv(aside, options.diskMiB, { journal: true, label: DATA_LABEL }), signal);
  });
  if (options.preallocation !== 'off' || options.state === 'overlay' || options.format === 'raw')
    if (options.state !== 'written') return { path: plain, plain, options };
  const key = digestOf(JSON.stringify([options.diskMiB, options.state, ...creationOptions(options)]));
  const path = join(folder, `data-${key}.${options.format}`);
  await cachedFile(path, (aside) => fillFromPlain(plain, aside, options, signal));
  return { path, plain, options };
}

/** A fresh data disk for one trial. Says how it was made, for the trial's facts. */
export async function makeDataDisk(
  template: DataTemplate,
  to: string,
  signal?: AbortSignal,
): Promise<string> {
  const { options } = template;
  if (options.state === 'overlay') {
    const words = creationOptions({ ...options, preallocation: 'off' });
    await runTool(
      [
        'qemu-img',
        'create',
        '-q',
        '-f',
        'qcow2',
        '-F',
        'raw',
        '-b',
        template.path,
        '-o',
        words.join(','),
        to,
      ],
      signal,
    );
    return 'overlay';
  }
  if (options.preallocation !== 'off' && options.state === 'fresh') {
    await fillFromPlain(template.path, to, options, signal);
    return 'created';
  }
  return sparseCopy(template.path, to, signal, options.state === 'written' ? 'filled' : 'kept');
}

/** The plain file system written into a new disk of the format: only its data is copied, holes stay what they are. */
async function fillFromPlain(
  plain: string,
  to: string,
  options: DataDiskOptions,
  signal?: AbortSignal,
): Promise<void> {
  const words = creationOptions(options);
  const asked = words.length > 0 ? ['-o', words.join(',')] : [];
  await runTool(
    ['qemu-img', 'create', '-q', '-f', options.format, ...asked, to, `${options.diskMiB}M`],
    signal,
  );
  if (options.state === 'written') await writeEveryBlock(to, options, signal);
  await runTool(
    ['qemu-img', 'convert', '-n', '--target-is-zero', '-f', 'raw', '-O', options.format, plain, to],
    signal,
  );
}

/** Zeros really written over the whole disk, so that every cluster and extent of the host is allocated. */
async function writeEveryBlock(path: string, options: DataDiskOptions, signal?: AbortSignal): Promise<void> {
  const step = 64;
  const commands: string[] = [];
  for (let at = 0; at < options.diskMiB; at += step)
    commands.push('-c', `write -q -P 0 ${at}M ${Math.min(step, options.diskMiB - at)}M`);
  await runTool(['qemu-io', '-f', options.format, '-t', 'unsafe', ...commands, path], signal);
}

/** Bytes the host has allocated for a file; 0 when it is gone. */
export async function allocatedBytes(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.blocks * 512,
    () => 0,
  );
}

/** Gives a disk's blocks back at once, before its name goes: the host's file system need not wait for QEMU's last close. */
export async function discardDisk(path: string): Promise<void> {
  await truncate(path, 0).catch(() => undefined);
  await unlink(path).catch(() => undefined);
}
