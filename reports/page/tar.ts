/** A file of an archive. */
export interface TarFile {
  path: string;
  bytes: Uint8Array;
}

const BLOCK = 512;

/** A POSIX ustar archive (IEEE 1003.1, pax, "ustar Interchange Format") with fixed owner, mode and time: same files, same bytes. */
export function tar(files: readonly TarFile[]): Buffer {
  const blocks: Uint8Array[] = [];
  for (const { path, bytes } of files) {
    blocks.push(header(path, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const name = Buffer.from(path);
  if (name.length > 100) throw new RangeError(`path too long for a ustar header: ${path}`);
  const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0') + '\0';
  name.copy(block, 0);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\0' + '00', 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(sum.toString(8).padStart(6, '0') + '\0 ', 148);
  return block;
}
