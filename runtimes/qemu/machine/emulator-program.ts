import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { BenchError } from '../../../results/bench-error.ts';
import type { Part } from '../../../results/record/plan.ts';
import { requireExecutable } from '../../parts/executable.ts';
import { sha256OfFile } from '../../parts/identity.ts';
import type { QemuOptions } from '../options.ts';

/** QEMU is found here and nowhere else, unless the arm names it. */
export const PROGRAM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];
export const QEMU = 'qemu-system-x86_64';
/** Listing machines or its version takes a QEMU a tenth of a second; one that hangs is none. */
const ANSWER_TIMEOUT_MS = 15_000;
const NOT_ALONE =
  'does it run by hand? A build needs its own tree: bin/ beside lib/ and share/, as make install and dpkg -x lay it out';
/** Without it no machine with firmware starts; every build that has its firmware has it. */
const FIRMWARE = ['bios-256k.bin', 'bios.bin'];

/** A build of QEMU: what is executed, and which one it is. */
export interface EmulatorProgram {
  path: string;
  /** Folders for -L: the system's firmware, for a build that stands alone. */
  firmware: string[];
  part: Part;
}

/**
 * The emulator that an arm's option names, or the system's. One that is named is asked what it is before anything is
 * started on it: its version, whether it has the machine and the accelerator asked for, and where its firmware is.
 *
 * @throws BenchError `vm-tool-missing`, `arm-file-…`, `vm-emulator-unusable`.
 */
export async function findEmulator(
  options: Pick<QemuOptions, 'emulator' | 'machine' | 'accel'>,
): Promise<EmulatorProgram> {
  const { emulator: asked, machine, accel } = options;
  if (asked !== undefined) await requireExecutable(asked, 'emulator');
  const path = asked ?? (await systemEmulator());
  const version = /QEMU emulator version (.+)/.exec(await ask(path, ['--version']))?.[1]?.trim();
  if (version === undefined)
    throw unusable(path, 'it does not say that it is a QEMU emulator', 'name qemu-system-x86_64 of a build');
  const part: Part = {
    path,
    version: `QEMU ${version}`,
    sha256: await sha256OfFile(await realpath(path)),
    chosen: asked !== undefined,
  };
  if (asked === undefined) return { path, firmware: [], part };
  if (!firstWords(await ask(path, ['-machine', 'help'])).includes(machine))
    throw unusable(
      path,
      `it has no machine "${machine}"`,
      'is it qemu-system-x86_64, built with that machine? machine: names another',
    );
  if (accel !== 'auto' && !firstWords(await ask(path, ['-accel', 'help'])).includes(accel))
    throw unusable(
      path,
      `it was built without ${accel.toUpperCase()}`,
      `configure it with --enable-${accel}`,
    );
  if (accel !== 'kvm') await startNothing(path);
  return { path, firmware: await firmwareFor(path), part };
}

/** Where the system's QEMU is. @throws BenchError `vm-tool-missing`. */
async function systemEmulator(): Promise<string> {
  for (const folder of PROGRAM_FOLDERS)
    if (await isThere(join(folder, QEMU), constants.X_OK)) return join(folder, QEMU);
  throw new BenchError('vm-tool-missing', `${QEMU} is not installed`, {
    hint: 'apt-get install -y --no-install-recommends qemu-system-x86 qemu-utils; or emulator: names a build',
  });
}

/**
 * Starts a machine without anything in it and ends it. Distributions keep TCG in a module of its own, which a program that was
 * copied out of its tree does not find; it still lists the accelerator.
 */
async function startNothing(path: string): Promise<void> {
  const nothing = ['-M', 'none', '-accel', 'tcg', '-nodefaults', '-display', 'none', '-monitor', 'stdio'];
  await ask(path, nothing, 'quit\n');
}

/** Nothing for a build that finds its own firmware; else the folders in which the system's QEMU finds it. */
async function firmwareFor(path: string): Promise<string[]> {
  if (await haveFirmware(await foldersOf(path))) return [];
  const system = await systemEmulator().then(foldersOf, () => []);
  if (await haveFirmware(system)) return system;
  throw unusable(
    path,
    `it finds no firmware (${FIRMWARE[0]}), and the system has none either`,
    'run "make install" of the build, or install the package seabios',
  );
}

async function foldersOf(path: string): Promise<string[]> {
  return (await ask(path, ['-L', 'help'])).split('\n').filter((line) => line.startsWith('/'));
}

async function haveFirmware(folders: readonly string[]): Promise<boolean> {
  for (const folder of folders)
    for (const name of FIRMWARE) if (await isThere(join(folder, name), constants.R_OK)) return true;
  return false;
}

async function ask(path: string, args: string[], input?: string): Promise<string> {
  const answer = await execa(path, args, {
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    timeout: ANSWER_TIMEOUT_MS,
    env: { PATH: PROGRAM_FOLDERS.join(':'), LC_ALL: 'C' },
    extendEnv: false,
  });
  if (answer.exitCode === 0) return answer.stdout;
  const words = answer.stderr?.trim().split('\n').slice(-3).join('\n') || answer.shortMessage || 'it failed';
  throw unusable(path, `"${args.join(' ')}" failed: ${words}`, NOT_ALONE);
}

function firstWords(text: string): string[] {
  return text.split('\n').map((line) => line.split(' ')[0] ?? '');
}

function unusable(path: string, why: string, hint: string): BenchError {
  return new BenchError('vm-emulator-unusable', `emulator: ${path} cannot be used: ${why}`, { hint });
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
