import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resources } from '../../results/record/plan.ts';
import { createCgroup, type Cgroup } from '../cgroup/cgroup.ts';
import type { Image, RuntimeContext } from '../contract.ts';
import type { Op } from '../launch/ops.ts';
import { cpuMask } from '../network/cpu-mask.ts';
import { allocatedBytes } from './disks/data-disk.ts';
import type { DiskSupply, NewDisk } from './disks/disk-supply.ts';
import { continueSystem, placeSystem, type PlacedSystem, type UserSystem } from './firmware/user-system.ts';
import type { BootFiles } from './kernel/boot-files.ts';
import type { Sockets } from './machine/command-line.ts';
import type { EmulatorProgram } from './machine/emulator-program.ts';
import { macOf } from './machine/mac.ts';
import { vhostInUse } from './network/check-network.ts';
import { makeGuestNetwork, type GuestNetwork } from './network/guest-network.ts';
import type { QemuOptions } from './options.ts';

/** What prepare made, for every trial of an arm. */
export interface Installation {
  context: RuntimeContext;
  options: QemuOptions;
  image: Image;
  accel: 'kvm' | 'tcg';
  emulator: EmulatorProgram;
  launcher: string;
  boot: BootFiles;
  /** An empty overlay on the image's root disk; copied for each trial, since they are all the same. */
  blankRoot: string;
  disks: DiskSupply;
  /** The system of a disk image that the user brought; null when our kernel is started directly. */
  system: UserSystem | null;
  /** A machine that a person looks into: it has ports for sessions, and may go on without us. */
  person?: { outlives: boolean };
}

/** What a machine's disks continue: our root disk and a user's system, as they were when a state was saved. */
export interface DisksBefore {
  blankRoot: string;
  system: PlacedSystem | null;
}

/** The host's part of one trial, made before QEMU starts and removed after it ended. */
export interface Place {
  folder: string;
  sockets: Sockets;
  rootDisk: string;
  /** Overlay and seed of a user's system. */
  system: PlacedSystem | null;
  dataDisk: string;
  dataDiskMade: NewDisk;
  disks: DiskSupply;
  dataDiskBeforeBytes: number;
  network: GuestNetwork;
  cgroup: Cgroup;
}

/** As many programs of a person can run in a machine at once; guest/guest.h has the same number. */
const SESSION_NUMBERS = [0, 1, 2, 3];

let counter = 0;

/** Folder, disks, network and cgroup of a trial; nothing is left when one of them fails. */
export async function makePlace(
  installation: Installation,
  trial: string,
  resources: Resources,
  before?: DisksBefore,
): Promise<Place> {
  const { context, options, launcher } = installation;
  const folder = join(context.scratchDir, `v${++counter}`);
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const sockets: Sockets = {
      monitor: join(folder, 'm'),
      agent: join(folder, 'a'),
      guest: join(folder, 'g'),
      console: join(folder, 'console.log'),
      ...(installation.person && { sessions: SESSION_NUMBERS.map((number) => join(folder, `s${number}`)) }),
    };
    const rootDisk = join(folder, 'root.qcow2');
    const dataDisk = join(folder, `data.${options.format}`);
    const cgroup = createCgroup(context.owner, `vm-${counter}`, {});
    undo.unshift(() => cgroup.destroy());
    const disks = Promise.all([
      installation.disks.take(dataDisk),
      copyFile(before?.blankRoot ?? installation.blankRoot, rootDisk),
    ]);
    disks.catch(() => undefined);
    const network = await makeGuestNetwork({
      options,
      vhost: vhostInUse(options),
      socket: join(folder, 'n'),
      launchOps: launchOps(cgroup, resources),
      launcher,
      owner: context.owner,
      trial,
      rootfs: installation.image.rootfs,
      housekeeping: resources.housekeeping,
      signal: context.signal,
    });
    undo.unshift(() => network.destroy());
    const system = await placeUserSystem(installation, folder, network, before);
    const [dataDiskMade] = await disks;
    const dataDiskBeforeBytes = await allocatedBytes(dataDisk);
    return {
      folder,
      sockets,
      rootDisk,
      system,
      dataDisk,
      dataDiskMade,
      disks: installation.disks,
      dataDiskBeforeBytes,
      network,
      cgroup,
    };
  } catch (error) {
    for (const step of undo) await step().catch(() => undefined);
    throw error;
  }
}

async function placeUserSystem(
  { system, options, context }: Installation,
  folder: string,
  { subnet, prefix }: GuestNetwork,
  before?: DisksBefore,
): Promise<PlacedSystem | null> {
  if (!system) return null;
  if (before?.system) return continueSystem(before.system, folder);
  const seed = {
    mac: macOf(subnet.inside),
    address: `${subnet.inside}/${prefix}`,
    gateway: subnet.peer,
    mtu: options.mtu,
  };
  return placeSystem(system, folder, seed, context.signal);
}

/**
 * Every process of a VM starts in its cgroup and on the housekeeping CPUs, which all threads inherit; the vCPUs are then
 * moved to theirs.
 */
export function launchOps(cgroup: Cgroup, { housekeeping }: Resources): Op[] {
  const affinity: Op[] = housekeeping.length > 0 ? [{ op: 'affinity', mask: cpuMask(housekeeping) }] : [];
  return [...cgroup.joinOps(), ...affinity];
}

/** Removes a place after its QEMU ended. Idempotent; the first error is told after everything was tried. */
export async function removePlace(place: Place): Promise<void> {
  const results = await Promise.allSettled([
    place.cgroup.destroy(),
    place.network.destroy(),
    place.disks.giveBack(place.dataDisk).finally(() => rm(place.folder, { recursive: true, force: true })),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
