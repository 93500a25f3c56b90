/** Type of the ELF note by which a kernel says where it is entered in 32-bit mode (XEN_ELFNOTE_PHYS32_ENTRY). */
export const PHYS32_ENTRY = 18;
/** Anywhere above firmware; nothing is ever executed there. */
const ADDRESS = 0x0100_0000;
const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;
const PT_LOAD = 1;
const PT_NOTE = 4;

/**
 * An ELF file that QEMU takes for a PVH kernel and that holds nothing. A machine that waits for a saved state must have
 * the devices of the one that was saved, among them the loader's option ROM that -kernel brings; but its RAM comes from
 * the saved file, so reading 50 MB of real kernel (and keeping them in the emulator's heap) would be for nothing.
 */
export function stubKernel(): Buffer {
  const note = Buffer.alloc(24);
  note.writeUInt32LE(4, 0);
  note.writeUInt32LE(8, 4);
  note.writeUInt32LE(PHYS32_ENTRY, 8);
  note.write('Xen\0', 12, 'latin1');
  note.writeBigUInt64LE(BigInt(ADDRESS), 16);
  const at = ELF_HEADER + 2 * PROGRAM_HEADER;

  const header = Buffer.alloc(ELF_HEADER);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(ADDRESS), 24);
  header.writeBigUInt64LE(BigInt(ELF_HEADER), 32);
  header.writeUInt16LE(ELF_HEADER, 52);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(2, 56);
  return Buffer.concat([
    header,
    programHeader(PT_LOAD, at, note.length),
    programHeader(PT_NOTE, at, note.length),
    note,
  ]);
}

function programHeader(type: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(4, 4); // readable
  for (const [field, value] of [offset, ADDRESS, ADDRESS, size, size, 4].entries())
    header.writeBigUInt64LE(BigInt(value), 8 + 8 * field);
  return header;
}
