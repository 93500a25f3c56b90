import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { BenchError } from '../../results/bench-error.ts';

const ELF_MAGIC = 0x464c457f;
/** e_machine of the ELF header, by Node's name of the architecture. Source: elf(5), elf.h. */
export const ELF_MACHINE: Record<string, number> = {
  x64: 62,
  arm64: 183,
  riscv64: 243,
  s390x: 22,
  ppc64: 21,
};
const ELF_HEADER_BYTES = 20;

/**
 * A program that a matrix names: it exists, may be executed, and is a script or an ELF file of this machine's kind. Said
 * before a run begins, in words that name the option; the kernel's own would be "Exec format error" in the first trial.
 *
 * @throws BenchError `arm-file-missing`, `arm-file-not-executable`, `arm-file-architecture`.
 */
export async function requireExecutable(path: string, option: string): Promise<void> {
  await requireFile(path, option);
  const allowed = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!allowed)
    throw new BenchError('arm-file-not-executable', `${option}: ${path} may not be executed`, {
      hint: `chmod +x ${path}`,
    });
  const head = await firstBytes(path, ELF_HEADER_BYTES);
  if (head.subarray(0, 2).toString('latin1') === '#!') return;
  if (head.length < ELF_HEADER_BYTES || head.readUInt32LE(0) !== ELF_MAGIC)
    throw new BenchError('arm-file-not-executable', `${option}: ${path} is neither a program nor a script`, {
      hint: 'name the program itself, not an archive or a folder with it',
    });
  const machine = head.readUInt16LE(18);
  if (machine !== ELF_MACHINE[process.arch])
    throw new BenchError(
      'arm-file-architecture',
      `${option}: ${path} is a program for ${machineName(machine)}, and this machine is ${process.arch}`,
      { hint: 'build it for this machine' },
    );
}

/** @throws BenchError `arm-file-missing` when there is no such file, or it is none. */
export async function requireFile(path: string, option: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new BenchError('arm-file-missing', `${option}: there is no file ${path}`, {
      hint: 'a path in a matrix is relative to the folder of the matrix file',
      cause,
    });
  });
  if (!found.isFile())
    throw new BenchError(
      'arm-file-missing',
      `${option}: ${path} is ${found.isDirectory() ? 'a folder' : 'no file'}`,
      {
        hint: 'name the file itself',
      },
    );
}

/** The file's beginning; less than asked of a shorter one. */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(count);
    const { bytesRead } = await file.read(bytes, 0, count, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export function machineName(machine: number): string {
  return (
    Object.entries(ELF_MACHINE).find(([, number]) => number === machine)?.[0] ?? `ELF machine ${machine}`
  );
}
