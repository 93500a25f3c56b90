import { realpath } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { runTool } from '../run-tool.ts';

/** A disk image that a user brought, with a system of its own on it. It is read, and never written. */
export interface UserDisk {
  path: string;
  format: 'raw' | 'qcow2';
  /** What the guest sees, bytes. */
  virtualBytes: number;
}

/** What is read of `qemu-img info --output=json`. */
const infoSchema = z.object({
  format: z.string(),
  'virtual-size': z.int().positive(),
  'full-backing-filename': z.string().optional(),
  'format-specific': z
    .object({ data: z.object({ 'data-file': z.string().optional() }).loose().optional() })
    .optional(),
});
type Info = z.infer<typeof infoSchema>;

/**
 * Looks at the image as `qemu-img info` does. A qcow2 file can name any other file of the host as its backing or data
 * file, and a guest could then read it: only one beside the image, or below its folder, is believed.
 *
 * @throws BenchError `vm-image-missing`, `vm-image-format`, `vm-image-foreign-file`.
 */
export async function inspectUserDisk(named: string, signal?: AbortSignal): Promise<UserDisk> {
  const path = await realpath(named).catch((cause: unknown) => {
    throw new BenchError('vm-image-missing', `there is no disk image ${named}`, {
      hint: 'a path in a matrix is relative to the matrix file',
      cause,
    });
  });
  const info = await infoOf(path, signal);
  const format = checkFormat(path, info.format);
  await requireOwnFiles(path, path, info, signal);
  return { path, format, virtualBytes: info['virtual-size'] };
}

async function infoOf(path: string, signal?: AbortSignal): Promise<Info> {
  const words = await runTool(['qemu-img', 'info', '--output=json', '-U', path], signal).catch(
    (cause: unknown) => {
      if (cause instanceof BenchError && cause.code === 'vm-tool-failed')
        throw new BenchError('vm-image-format', `${path} is no disk image: ${cause.message}`, { cause });
      throw cause;
    },
  );
  return infoSchema.parse(JSON.parse(words));
}

function checkFormat(path: string, format: string): UserDisk['format'] {
  if (format === 'raw' || format === 'qcow2') return format;
  throw new BenchError('vm-image-format', `${path} is ${format}; a machine's disk must be qcow2 or raw`, {
    hint: `qemu-img convert -O qcow2 ${path} ${path.replace(/\.[^.]*$/, '')}.qcow2`,
  });
}

/** The whole chain: each backing file may name a further one. Every one is checked before it is looked into. */
async function requireOwnFiles(image: string, file: string, info: Info, signal?: AbortSignal): Promise<void> {
  const dataFile = info['format-specific']?.data?.['data-file'];
  if (dataFile !== undefined) await requireBeside(image, resolve(dirname(file), dataFile));
  const backing = info['full-backing-filename'];
  if (backing === undefined) return;
  await requireBeside(image, backing);
  await requireOwnFiles(image, backing, await infoOf(backing, signal), signal);
}

async function requireBeside(image: string, other: string): Promise<void> {
  const real = await realpath(other).catch(() => other);
  if (real.startsWith(dirname(image) + sep)) return;
  throw new BenchError(
    'vm-image-foreign-file',
    `${image} names ${other} as a part of itself, which lies outside its folder: the guest could read that file`,
    { hint: 'put the files side by side, or flatten the image: qemu-img convert -O qcow2' },
  );
}
