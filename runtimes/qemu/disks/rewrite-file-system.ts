import { open } from 'node:fs/promises';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { runTool } from '../run-tool.ts';

/** Where qcow2's incompatible features stand in its header: dirty, corrupt, and formats that this does not know. */
const FEATURES_AT = 72;

const mapSchema = z.array(
  z.object({
    start: z.int(),
    length: z.int(),
    data: z.boolean(),
    present: z.boolean().optional(),
    offset: z.int().optional(),
  }),
);
type Extent = z.output<typeof mapSchema>[number];

/** Which parts of a disk hold data, and where in the file. */
async function mapOf(path: string, format: string, signal?: AbortSignal): Promise<Extent[]> {
  const text = await runTool(['qemu-img', 'map', '--output=json', '-f', format, path], signal);
  return mapSchema.parse(JSON.parse(text));
}

/** Whether every block of a disk lies in its file, written, at a place of its own. */
export async function isWhollyAllocated(
  path: string,
  format: 'qcow2' | 'raw',
  signal?: AbortSignal,
): Promise<boolean> {
  if (format === 'qcow2' && (await incompatibleFeatures(path)) !== 0n) return false;
  const extents = await mapOf(path, format, signal);
  return extents.every(({ data, present, offset }) => data && present !== false && offset !== undefined);
}

/**
 * A fresh file system's own blocks, written into a disk that is wholly allocated: in place, past the format, so that
 * neither its tables nor the host's extents change. What a former file system left between them is never read: a new one
 * is made on used disks just so.
 *
 * @param plain the fresh file system as a sparse raw file.
 */
export async function rewriteFileSystem(
  plain: string,
  path: string,
  format: 'qcow2' | 'raw',
  signal?: AbortSignal,
): Promise<void> {
  const wanted = (await mapOf(plain, 'raw', signal)).filter(({ data }) => data);
  const there = await mapOf(path, format, signal);
  const from = await open(plain, 'r');
  const to = await open(path, 'r+');
  try {
    for (const { start, length } of wanted)
      for (const piece of placesOf(start, length, there)) {
        const bytes = Buffer.alloc(piece.length);
        await from.read(bytes, 0, piece.length, piece.start);
        await to.write(bytes, 0, piece.length, piece.offset);
      }
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

/** A run of the disk, in the pieces in which its file holds it. @throws BenchError `vm-disk-holes`. */
export function placesOf(
  start: number,
  length: number,
  there: readonly Extent[],
): { start: number; length: number; offset: number }[] {
  const pieces: { start: number; length: number; offset: number }[] = [];
  for (const extent of there) {
    const begin = Math.max(start, extent.start);
    const end = Math.min(start + length, extent.start + extent.length);
    if (begin >= end || extent.offset === undefined) continue;
    pieces.push({ start: begin, length: end - begin, offset: extent.offset + begin - extent.start });
  }
  if (pieces.reduce((sum, piece) => sum + piece.length, 0) !== length)
    throw new BenchError(
      'vm-disk-holes',
      `bytes ${start} to ${start + length} of a disk are not all in its file`,
    );
  return pieces;
}

async function incompatibleFeatures(path: string): Promise<bigint> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, FEATURES_AT);
    return bytesRead === 8 ? buffer.readBigUInt64BE() : 1n;
  } finally {
    await file.close();
  }
}
