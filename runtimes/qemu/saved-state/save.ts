import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Resources } from '../../../results/record/plan.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { digestOf } from '../../compile/cached-file.ts';
import type { GuestMemory } from '../control/guest-port.ts';
import { BOOT_TIMEOUT_MS } from '../defaults.ts';
import { makeBlankOverlay } from '../disks/root-disk.ts';
import { stubKernel } from '../kernel/stub-kernel.ts';
import type { Emulator } from '../machine/emulator.ts';
import { guestExec } from '../machine/guest-exec.ts';
import type { GuestLink } from '../machine/guest-link.ts';
import { vhostInUse } from '../network/check-network.ts';
import { macOf } from '../machine/mac.ts';
import { machineSpec } from '../machine/spec.ts';
import { makePlace, removePlace, type DisksBefore, type Installation, type Place } from '../place.ts';
import { bootTimeoutMs, checkHypervisor, connect, startEmulator } from '../start-cold.ts';
import { openMemoryFile, type MemoryFile } from './memory-file.ts';

/** A guest as it was just after boot: its RAM, its devices' state, its root disk. Never written again. */
export interface SavedState {
  memory: MemoryFile;
  /** Device state, a few hundred KiB: RAM is not in it. */
  devices: string;
  /** Empty overlays on the root disk, and on a user's system, as they were when saved. */
  disks: DisksBefore;
  /** Stands in for the kernel when the state is continued. */
  stubKernel: string;
  /** The network card's address when it was saved. */
  mac: string;
  hypervisor: string;
  /** How our agent reaches the program that runs commands. */
  runner: string;
  /** The guest's memory when it was saved, idle. */
  idle: GuestMemory;
  bootMs: number;
  saveMs: number;
  deviceBytes: number;
}

const migrationSchema = z.object({ status: z.string(), 'error-desc': z.string().optional() });

/** What must be equal for two arms to continue one saved state: everything the guest could have seen by then. */
export function stateKey(installation: Installation, resources: Resources): string {
  const { options, image, accel, emulator, boot } = installation;
  const seen = {
    image: image.digest,
    system: installation.system && [installation.system.disk.path, options.firmware, options.tools],
    // Another QEMU may lay out the state of its devices otherwise; another kernel is another guest.
    emulator: [emulator.part.sha256, emulator.part.version],
    boot: boot.digest,
    accel,
    cpus: resources.cpus,
    memoryMiB: resources.memoryMiB,
    machine: options.machine,
    cpu: options.cpu,
    topology: options.topology,
    balloon: options.balloon,
    bus: options.bus,
    iothread: options.iothread,
    diskMiB: options.diskMiB,
    // The guest's driver asks whether the disk has a write cache.
    writeCache: options.cache !== 'writethrough' && options.cache !== 'directsync',
    network: options.network,
    mtu: options.mtu,
    vhost: vhostInUse(options),
    queues: options.queues,
  };
  return digestOf(JSON.stringify(seen));
}

/**
 * Boots a guest and saves it. Its data disk is not mounted and its network has no address yet, so that nothing of either
 * is in the saved memory but what every trial's own disk and network agree with.
 */
export async function saveState(installation: Installation, resources: Resources): Promise<SavedState> {
  const folder = join(installation.context.scratchDir, `saved-${stateKey(installation, resources)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const begunMs = performance.now();
  const place = await makePlace(installation, 'saved-state', resources);
  let memory: MemoryFile | undefined;
  let emulator: Emulator | undefined;
  let link: GuestLink | undefined;
  try {
    memory = await openMemoryFile(resources.memoryMiB, folder);
    const memoryFile = { path: memory.path, share: true };
    const spec = machineSpec(installation, place, resources, { setup: false, memoryFile });
    emulator = await startEmulator(installation, place, spec, resources);
    const { opened } = await emulator.during(
      'while it started',
      connect(emulator, place, resources, installation.options),
    );
    link = opened;
    await emulator.during('while it booted', link.agent.sync(bootTimeoutMs(installation)));
    checkHypervisor(installation.accel, link.port.hypervisor);
    // The first command reads the runner and the loader from disk: that belongs to booting.
    await emulator.during('while it ran its first command', guestExec(link, ['true']));
    await emulator.during('while it settled', settle(link));
    const idle = await emulator.during('while it settled', link.port.memory());
    const bootMs = performance.now() - begunMs;
    const devices = join(folder, 'devices');
    await emulator.during('while its state was saved', migrateTo(emulator, devices));
    const saveMs = performance.now() - begunMs - bootMs;
    link.close();
    await emulator.destroy();
    const disks = await keepDisks(place, folder);
    // A bzImage goes through other firmware than a PVH kernel: there the kernel stands in for itself.
    const stub = installation.boot.pvh ? join(folder, 'stub-kernel') : installation.boot.kernel;
    if (installation.boot.pvh) await writeFile(stub, stubKernel());
    await removePlace(place);
    const deviceBytes = (await stat(devices)).size;
    const mac = macOf(place.network.subnet.inside);
    const { hypervisor, runner } = link.port;
    return {
      ...{ memory, devices, disks, stubKernel: stub, mac, hypervisor, runner, idle },
      ...{ bootMs, saveMs, deviceBytes },
    };
  } catch (error) {
    link?.close();
    await emulator?.destroy();
    await removePlace(place).catch(() => undefined);
    await memory?.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Moves the machine's disks out of its place, to be the backing files of all that continue it. */
async function keepDisks(place: Place, folder: string): Promise<DisksBefore> {
  const keep = async (disk: string, name: string): Promise<string> => {
    const kept = join(folder, `${name}.qcow2`);
    const blank = join(folder, `blank-${name}.qcow2`);
    await rename(disk, kept);
    await makeBlankOverlay(kept, 'qcow2', blank);
    return blank;
  };
  const blankRoot = await keep(place.rootDisk, 'root');
  const { system } = place;
  if (!system) return { blankRoot, system: null };
  const moved = async (file: string, name: string): Promise<string> => {
    await rename(file, join(folder, name));
    return join(folder, name);
  };
  return {
    blankRoot,
    system: {
      disk: await keep(system.disk, 'system'),
      seed: await moved(system.seed, 'seed.img'),
      variables: system.variables === null ? null : await moved(system.variables, 'efi-variables.fd'),
    },
  };
}

/** The network card is up, without an address: bringing it up is the slow half of setting it up. */
async function settle(link: GuestLink): Promise<void> {
  await link.port.request('link');
  await link.port.request('sync');
}

/** Stops the guest and writes the state of its devices; its RAM stays where it is, in the shared file. */
async function migrateTo(emulator: Emulator, path: string): Promise<void> {
  const { qmp } = emulator;
  await qmp.execute('stop');
  await useSharedMemory(emulator);
  const finished = qmp.nextEvent('MIGRATION', BOOT_TIMEOUT_MS, ({ data }) =>
    ['completed', 'failed', 'cancelled'].includes(String(data.status)),
  );
  finished.catch(() => undefined);
  await qmp.execute('migrate', { uri: `exec:cat > '${path}'` });
  await finished;
  const { status, 'error-desc': words } = migrationSchema.parse(await qmp.execute('query-migrate'));
  if (status !== 'completed')
    throw new BenchError('vm-save', `the guest's state could not be saved: ${words ?? status}`);
}

/** RAM in a shared file is left out of the migration stream, on both sides; and QEMU says when it is done. */
export async function useSharedMemory(emulator: Emulator): Promise<void> {
  await emulator.qmp.execute('migrate-set-capabilities', {
    capabilities: [
      { capability: 'x-ignore-shared', state: true },
      { capability: 'events', state: true },
    ],
  });
}
