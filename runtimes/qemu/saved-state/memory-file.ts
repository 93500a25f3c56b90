import { open, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const TMPFS = '/dev/shm';
const MIB = 1 << 20;
/** Left free on the tmpfs: other programs live there too. */
const SPARE_MIB = 64;

/**
 * A file for a guest's RAM without a name: opened by us, unlinked at once, reached by QEMU through our descriptor. When
 * this process ends, however it ends, the memory is given back; no sweep has to know of it.
 */
export interface MemoryFile {
  /** Path that other processes of this user open it by. */
  path: string;
  /** On a disk instead of a tmpfs: the host may write it back while trials run. */
  onDisk: boolean;
  close(): Promise<void>;
}

/** On /dev/shm where there is room, else in the given folder (containers often have a /dev/shm of 64 MiB). */
export async function openMemoryFile(sizeMiB: number, fallbackFolder: string): Promise<MemoryFile> {
  const onDisk = (await freeMiB(TMPFS)) < sizeMiB + SPARE_MIB;
  const name = join(onDisk ? fallbackFolder : TMPFS, `tare-ram-${process.pid}-${Date.now().toString(36)}`);
  const file = await open(name, 'wx+', 0o600);
  try {
    await unlink(name);
    await file.truncate(sizeMiB * MIB);
  } catch (error) {
    await file.close();
    throw error;
  }
  return memoryFile(file, onDisk);
}

function memoryFile(file: FileHandle, onDisk: boolean): MemoryFile {
  return {
    path: `/proc/${process.pid}/fd/${file.fd}`,
    onDisk,
    close: () => file.close(),
  };
}

async function freeMiB(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => undefined);
  return found ? (found.bavail * found.bsize) / MIB : 0;
}
