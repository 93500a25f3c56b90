import { constants } from 'node:fs';
import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { QemuOptions } from '../options.ts';
import { runTool } from '../run-tool.ts';

const PROBE_BYTES = 1 << 20;

/** The options that need something of the host's file system, kernel or QEMU build. */
export type DiskHostOptions = Pick<QemuOptions, 'cache' | 'aio'>;

/** Whether QEMU opens disks past the host's page cache. */
export function isDirect(cache: QemuOptions['cache']): boolean {
  return cache === 'none' || cache === 'directsync';
}

/**
 * Tries on a file in the folder where the disks will lie, so that an arm that cannot work is refused before the run and
 * not in its first trial: O_DIRECT by opening it so, other aio engines by reading with QEMU's own block layer.
 *
 * @throws BenchError `vm-no-direct-io`, `vm-aio-missing`.
 */
export async function checkDiskHost(
  options: DiskHostOptions,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!isDirect(options.cache) && options.aio === 'threads') return;
  const path = join(folder, `probe-${process.pid}-${Date.now().toString(36)}.raw`);
  try {
    await writeFile(path, '');
    await truncate(path, PROBE_BYTES);
    if (isDirect(options.cache)) await openDirect(path, options.cache);
    if (options.aio !== 'threads') await readWith(options, path, signal);
  } finally {
    await rm(path, { force: true });
  }
}

async function openDirect(path: string, cache: string): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_DIRECT).catch((cause: unknown) => {
    throw new BenchError(
      'vm-no-direct-io',
      `cache: ${cache} needs O_DIRECT, which the file system of ${path} refuses`,
      {
        hint: 'put the cache folder on a real disk, or use cache: writeback and say so',
        cause,
      },
    );
  });
  await file.close();
}

async function readWith({ aio, cache }: DiskHostOptions, path: string, signal?: AbortSignal): Promise<void> {
  const argv = ['qemu-io', '-f', 'raw', '-t', cache, '-i', aio, '-c', 'read -q 0 4k', path];
  await runTool(argv, signal).catch((cause: unknown) => {
    if (!(cause instanceof BenchError) || cause.code !== 'vm-tool-failed') throw cause;
    throw new BenchError('vm-aio-missing', `aio: ${aio} does not work here: ${aioReason(cause.message)}`, {
      hint: 'aio: threads works everywhere',
      cause,
    });
  });
}

/** QEMU's words about an aio engine, as a reason. */
export function aioReason(words: string): string {
  if (/not supported in this build/.test(words)) return 'this QEMU was built without it';
  if (/Operation not permitted|Permission denied/.test(words))
    return 'this host does not allow it (kernel.io_uring_disabled, or a seccomp filter around us)';
  if (/Function not implemented/.test(words)) return "this host's kernel does not have it";
  return words.trim().split('\n').at(-1) ?? '';
}
