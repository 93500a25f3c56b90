import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../../../results/record/plan.ts';
import { cachedFile, digestOf } from '../../compile/cached-file.ts';
import type { RuntimeContext } from '../../contract.ts';
import { makeBlankOverlay } from '../disks/root-disk.ts';
import { ensureGuestProgram } from '../kernel/guest-program.ts';
import { sha256OfFile } from '../../parts/identity.ts';
import { makeSeed } from '../seed/make-seed.ts';
import type { SeedRequest } from '../seed/seed.ts';
import { findFirmware, ownVariables, type Firmware } from './firmware.ts';
import { inspectUserDisk, type UserDisk } from './user-disk.ts';

/** A system that a user brought, as prepare found it; for every trial of the arm. */
export interface UserSystem {
  disk: UserDisk;
  firmware: Firmware;
  /** An empty overlay on the user's disk, to be copied for each trial. */
  blank: string;
  /** Our guest program, which the seed delivers. */
  program: string;
}

/** What one machine has of it: an overlay, a seed, and UEFI's variables. Paths on the host. */
export interface PlacedSystem {
  disk: string;
  seed: string;
  variables: string | null;
}

/** Looks at the disk, finds the firmware and makes the overlay that trials copy. */
export async function openUserSystem(
  path: string,
  firmware: Firmware['kind'],
  context: RuntimeContext,
): Promise<UserSystem> {
  const { cacheDir, scratchDir, signal } = context;
  const disk = await inspectUserDisk(path, signal);
  await mkdir(scratchDir, { recursive: true });
  const blank = join(scratchDir, `blank-${digestOf(disk.path)}.qcow2`);
  return {
    disk,
    firmware: await findFirmware(firmware),
    blank: await cachedFile(blank, (aside) => makeBlankOverlay(disk.path, disk.format, aside, signal)),
    program: await ensureGuestProgram(cacheDir, signal),
  };
}

/** Which disk and which firmware it is, for the record. The disk is read whole, once. */
export async function partsOfSystem({ disk, firmware }: UserSystem): Promise<Record<string, Part>> {
  const image: Part = {
    path: disk.path,
    version: disk.format,
    sha256: await sha256OfFile(disk.path),
    chosen: true,
  };
  if (firmware.kind === 'bios') return { image };
  const { code } = firmware;
  return { image, firmware: { path: code, version: null, sha256: await sha256OfFile(code), chosen: false } };
}

/** A machine's own overlay, seed and variables in its folder. */
export async function placeSystem(
  system: UserSystem,
  folder: string,
  seed: Omit<SeedRequest, 'instanceId'>,
  signal?: AbortSignal,
): Promise<PlacedSystem> {
  const placed = { disk: join(folder, 'system.qcow2'), seed: join(folder, 'seed.img') };
  const [variables] = await Promise.all([
    ownVariables(system.firmware, folder),
    copyFile(system.blank, placed.disk),
    makeSeed(placed.seed, { ...seed, instanceId: INSTANCE_ID }, system.program, signal),
  ]);
  return { ...placed, variables };
}

/** The same name for every machine: each starts from the user's disk as it was, where no instance has yet been. */
const INSTANCE_ID = 'tare';

/** A saved machine's system, for one that continues it: a new overlay on the disk as it was then, the same seed. */
export async function continueSystem(saved: PlacedSystem, folder: string): Promise<PlacedSystem> {
  const disk = join(folder, 'system.qcow2');
  const variables = saved.variables === null ? null : join(folder, 'efi-variables.fd');
  await Promise.all([
    copyFile(saved.disk, disk),
    ...(saved.variables === null || variables === null ? [] : [copyFile(saved.variables, variables)]),
  ]);
  return { disk, seed: saved.seed, variables };
}
