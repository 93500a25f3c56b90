import { BenchError } from '../../../results/bench-error.ts';

/** First word of an LZ4 "legacy" frame, which is what a kernel's `CONFIG_KERNEL_LZ4` makes. */
export const LZ4_LEGACY_MAGIC = 0x184c2102;
/** A legacy frame's blocks each hold up to 8 MiB. Source: lz4_Frame_format.md, "Legacy frame". */
const LEGACY_BLOCK_BYTES = 8 * 1024 * 1024;

/**
 * Decompresses a legacy LZ4 frame, so that reading Debian's cloud kernel needs no `lz4` program on the host. Ends at the
 * frame's end, or at a block size that cannot be one (the kernel's build appends the plain size there).
 */
export function decompressLegacyLz4(frame: Uint8Array): Buffer {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 8 || view.getUint32(0, true) !== LZ4_LEGACY_MAGIC) throw corrupt('no legacy frame');
  const blocks: Buffer[] = [];
  for (let at = 4; at + 4 <= frame.length;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (at + size > frame.length) break;
    blocks.push(decompressBlock(frame.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat(blocks);
}

/** One block: tokens of literals and back references. Source: lz4_Block_format.md. */
function decompressBlock(input: Uint8Array): Buffer {
  const output = Buffer.allocUnsafe(LEGACY_BLOCK_BYTES);
  let from = 0;
  let to = 0;
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble === 15)
      for (let byte = 255; byte === 255; total += byte) {
        byte = input[from++] ?? -1;
        if (byte < 0) throw corrupt('a length runs past the block');
      }
    return total;
  };
  while (from < input.length) {
    const token = input[from++] ?? 0;
    const literals = length(token >> 4);
    if (from + literals > input.length || to + literals > output.length) throw corrupt('literals overrun');
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= input.length) break;
    const offset = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
    from += 2;
    const match = length(token & 15) + 4;
    if (offset === 0 || offset > to || to + match > output.length) throw corrupt('a match overruns');
    if (offset >= match) output.copyWithin(to, to - offset, to - offset + match);
    else for (let i = 0; i < match; i++) output[to + i] = output[to + i - offset] ?? 0;
    to += match;
  }
  return output.subarray(0, to);
}

function corrupt(what: string): BenchError {
  return new BenchError('vm-kernel-unreadable', `the kernel's LZ4 payload is damaged: ${what}`);
}
