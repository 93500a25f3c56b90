import { spawn } from 'node:child_process';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BenchError } from '../../../../results/bench-error.ts';
import { CHUNK_BYTES } from '../defaults.ts';

/** `xz` and `bzip2` occur in tarballs that people ADD or import, never in layers. */
export type Packing = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

const MAGIC: [Packing, number[]][] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];

/** How many first bytes `packingOf` looks at. */
export const MAGIC_BYTES = 6;

/** What the first bytes say; media types are often wrong about it, and docker archives do not say at all. */
export function packingOf(head: Uint8Array): Packing {
  return MAGIC.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte))?.[0] ?? 'none';
}

const TOOLS: Record<Exclude<Packing, 'none' | 'gzip'>, [string, string[]]> = {
  // --memory: the largest window we are ready to pay for, in answer to a frame that asks for gigabytes.
  zstd: ['zstd', ['-dcq', '--memory=128MB']],
  xz: ['xz', ['-dc', '--memlimit=256MiB']],
  bzip2: ['bzip2', ['-dc']],
};

/**
 * Decompresses a stream. gzip is Node's own zlib, on its thread pool (about twice as fast as gzip(1)); the others are the
 * system's tools, since Node 20 has none of them.
 */
export function decompress(source: Readable, packing: Packing, what: string): AsyncIterable<Buffer> {
  if (packing === 'none') return source as AsyncIterable<Buffer>;
  if (packing === 'gzip') return gunzip(source, what);
  return byTool(source, packing, what);
}

async function* gunzip(source: Readable, what: string): AsyncIterable<Buffer> {
  const unzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const piped = pipeline(source, unzip, () => undefined);
  try {
    for await (const chunk of piped) yield chunk as Buffer;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw cause;
    throw new BenchError('image-compression', `${what}: gzip data is damaged or cut short (${code})`, {
      cause,
    });
  }
}

async function* byTool(source: Readable, packing: keyof typeof TOOLS, what: string): AsyncIterable<Buffer> {
  const [command, args] = TOOLS[packing];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let words = '';
  let broken: Error | undefined;
  const closed = new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      broken = error;
      resolve(null);
    });
    child.on('close', (code) => resolve(code));
  });
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString('utf8').slice(0, 1000)));
  pipeline(source, child.stdin, (error) => {
    // EPIPE only means that the tool has stopped, which its exit code explains.
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') {
      broken ??= error;
      child.kill('SIGKILL');
    }
  });
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const code = await closed;
    if (broken && (broken as NodeJS.ErrnoException).code === 'ENOENT')
      throw new BenchError(
        'image-compression',
        `${what}: is packed with ${packing}, and ${command} is missing`,
        {
          hint: `apt-get install ${packing === 'xz' ? 'xz-utils' : packing}`,
        },
      );
    if (broken) throw broken;
    if (code !== 0)
      throw new BenchError(
        'image-compression',
        `${what}: ${packing} says: ${words.trim() || `exit ${code}`}`,
      );
  } finally {
    child.kill('SIGKILL');
  }
}
