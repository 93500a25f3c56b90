import { execa } from 'execa';
import { gunzipSync } from 'node:zlib';
import { BenchError } from '../../../results/bench-error.ts';
import { decompressLegacyLz4, LZ4_LEGACY_MAGIC } from './lz4.ts';

/** Offsets in a bzImage's setup header. Source: Documentation/arch/x86/boot.rst. */
const HEADER = { setupSects: 0x1f1, magic: 0x202, payloadOffset: 0x248, payloadLength: 0x24c } as const;
const SECTOR = 512;
const HDRS = 0x53726448;
const ELF = 0x464c457f;
const DECOMPRESS_TIMEOUT_MS = 60_000;

/**
 * The uncompressed kernel inside a bzImage. QEMU starts it through its PVH note, which saves the guest from
 * decompressing 50 MB of itself: 0.3–0.5 s of a cold boot under emulation.
 *
 * @param file named by the user, for messages; without it the kernel is our image's own.
 * @throws BenchError `vm-kernel-unreadable`.
 */
export async function extractVmlinux(bzImage: Buffer, file?: string): Promise<Buffer> {
  const unreadable = (why: string): BenchError => unreadableKernel(why, file);
  if (bzImage.length < SECTOR * 2 || bzImage.readUInt32LE(HEADER.magic) !== HDRS)
    throw unreadable('it has no Linux boot header');
  const setupSects = bzImage.readUInt8(HEADER.setupSects) || 4;
  const start = (setupSects + 1) * SECTOR + bzImage.readUInt32LE(HEADER.payloadOffset);
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(HEADER.payloadLength));
  if (payload.length < 8) throw unreadable('its payload is cut off');
  const vmlinux = await decompress(payload, unreadable);
  if (vmlinux.length < 64 || vmlinux.readUInt32LE(0) !== ELF) throw unreadable('its payload is no ELF file');
  return vmlinux;
}

async function decompress(payload: Buffer, unreadable: (why: string) => BenchError): Promise<Buffer> {
  const magic = payload.readUInt32LE(0);
  if (magic === LZ4_LEGACY_MAGIC) return decompressLegacyLz4(payload);
  if (magic === ELF) return payload;
  if ((magic & 0xffff) === 0x8b1f) return gunzipSync(payload.subarray(0, payload.length - 4));
  if (magic === 0x587a37fd) return pipeThrough('xz', ['-dc', '--single-stream'], payload);
  if (magic === 0xfd2fb528) return pipeThrough('zstd', ['-dc'], payload);
  throw unreadable(`its payload begins with 0x${magic.toString(16)}, a compression we do not know`);
}

/** The payload is followed by its plain size, which these programs call trailing garbage: their output still counts. */
async function pipeThrough(command: string, args: string[], payload: Buffer): Promise<Buffer> {
  const result = await execa(command, args, {
    input: payload.subarray(0, payload.length - 4),
    encoding: 'buffer',
    reject: false,
    timeout: DECOMPRESS_TIMEOUT_MS,
    maxBuffer: 512 * 1024 * 1024,
  });
  if (result.code === 'ENOENT')
    throw new BenchError('vm-tool-missing', `${command} is not installed, and the kernel is packed with it`, {
      hint: `apt-get install ${command === 'xz' ? 'xz-utils' : command}`,
    });
  return Buffer.from(result.stdout);
}

function unreadableKernel(why: string, file: string | undefined): BenchError {
  if (file !== undefined)
    return new BenchError('vm-kernel-unreadable', `kernel: ${file} cannot be read: ${why}`, {
      hint: 'name a whole bzImage or vmlinux',
    });
  return new BenchError('vm-kernel-unreadable', `the image's kernel cannot be read: ${why}`, {
    hint: 'bench clean --cache, then run again, builds the image afresh',
  });
}
