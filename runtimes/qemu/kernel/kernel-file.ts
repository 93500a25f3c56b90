import { open } from 'node:fs/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { ELF_MACHINE, machineName } from '../../parts/executable.ts';
import { PHYS32_ENTRY } from './stub-kernel.ts';

/** Offsets in a bzImage. Source: Documentation/arch/x86/boot.rst. */
const HEADER = { magic: 0x202, versionPointer: 0x20e } as const;
const HDRS = 0x53726448;
const ELF = 0x464c457f;
const VERSION_MAX = 200;
const PROGRAM_HEADER = 56;
const PT_NOTE = 4;
const NOTES_MAX = 1 << 20;

export interface KernelFacts {
  kind: 'bzImage' | 'vmlinux';
  /** As uname -r says, e.g. 6.1.0-56-cloud-amd64. */
  release: string;
}

/**
 * What a kernel file is, from its own bytes.
 *
 * @throws BenchError `vm-kernel-unreadable` for what is no x86-64 Linux kernel; `arm-file-architecture` for another machine's.
 */
export function kernelFacts(bytes: Buffer, path: string): KernelFacts {
  if (bytes.length > 0x400 && bytes.readUInt32LE(HEADER.magic) === HDRS) {
    const at = bytes.readUInt16LE(HEADER.versionPointer) + 0x200;
    const words = textAt(bytes, at);
    return { kind: 'bzImage', release: words.split(' ')[0] ?? '' };
  }
  if (bytes.length > 64 && bytes.readUInt32LE(0) === ELF) {
    const machine = bytes.readUInt16LE(18);
    if (machine !== ELF_MACHINE.x64)
      throw new BenchError(
        'arm-file-architecture',
        `kernel: ${path} is a kernel for ${machineName(machine)}, and the virtual machine is x86-64`,
        { hint: 'build it with ARCH=x86_64' },
      );
    const banner = bytes.indexOf('Linux version ');
    if (banner >= 0) return { kind: 'vmlinux', release: textAt(bytes, banner).split(' ')[2] ?? '' };
  }
  throw new BenchError('vm-kernel-unreadable', `kernel: ${path} is no Linux kernel for x86-64`, {
    hint: 'name a bzImage (arch/x86/boot/bzImage, /boot/vmlinuz-…) or an uncompressed vmlinux',
  });
}

function textAt(bytes: Buffer, at: number): string {
  const piece = bytes.subarray(at, at + VERSION_MAX);
  const end = piece.indexOf(0);
  return piece.subarray(0, end < 0 ? piece.length : end).toString('latin1');
}

/**
 * Whether an uncompressed kernel says where it is entered in 32-bit mode (CONFIG_PVH): the note by which QEMU starts one.
 * Without it only the bzImage boots.
 */
export async function hasPvhEntry(vmlinux: string): Promise<boolean> {
  const file = await open(vmlinux, 'r');
  try {
    const read = async (length: number, at: number): Promise<Buffer> => {
      const piece = Buffer.alloc(length);
      const { bytesRead } = await file.read(piece, 0, length, at);
      return piece.subarray(0, bytesRead);
    };
    const header = await read(64, 0);
    if (header.length < 64) return false;
    const at = Number(header.readBigUInt64LE(32));
    const count = header.readUInt16LE(56);
    const table = await read(count * PROGRAM_HEADER, at);
    for (let offset = 0; offset + PROGRAM_HEADER <= table.length; offset += PROGRAM_HEADER) {
      if (table.readUInt32LE(offset) !== PT_NOTE) continue;
      const length = Math.min(NOTES_MAX, Number(table.readBigUInt64LE(offset + 32)));
      if (notesHold(await read(length, Number(table.readBigUInt64LE(offset + 8))))) return true;
    }
    return false;
  } finally {
    await file.close();
  }
}

function notesHold(notes: Buffer): boolean {
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => notes.readUInt32LE(at + field)) as [
      number,
      number,
      number,
    ];
    if (type === PHYS32_ENTRY && notes.toString('latin1', at + 12, at + 15) === 'Xen') return true;
    at += 12 + padded(nameSize) + padded(size);
  }
  return false;
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
