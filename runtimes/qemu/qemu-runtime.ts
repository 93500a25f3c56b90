import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { Part } from '../../results/record/plan.ts';
import type { Availability, Image, Prepared, Runtime, RuntimeContext } from '../contract.ts';
import { imageOfArm } from '../image/image-of-arm.ts';
import { pathInside } from '../image/tree.ts';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { cachedFile } from '../compile/cached-file.ts';
import { chooseAccelerator, type Accelerator } from './accelerator/choose.ts';
import { checkDiskHost } from './disks/check-disk-host.ts';
import { ensureDataTemplate } from './disks/data-disk.ts';
import { diskSupplyFor, type DiskSupply } from './disks/disk-supply.ts';
import { ensureRootDisk, makeBlankOverlay } from './disks/root-disk.ts';
import { runsInImage, systemDisk } from './firmware/firmware-options.ts';
import { openUserSystem, partsOfSystem } from './firmware/user-system.ts';
import { ensureBootFiles } from './kernel/boot-files.ts';
import { kernelOfImage, kernelOfOption, type KernelSource } from './kernel/kernel-source.ts';
import { transportOf } from './machine/command-line.ts';
import { findEmulator, PROGRAM_FOLDERS, QEMU } from './machine/emulator-program.ts';
import { checkMemory } from './machine/check-memory.ts';
import { checkNetwork, networkHost } from './network/check-network.ts';
import { labelOf, qemuOptionsSchema, resolvePaths, type QemuOptions } from './options.ts';
import type { Installation } from './place.ts';
import { savedStateFor } from './saved-state/saved-states.ts';
import { startSaved } from './saved-state/start-saved.ts';
import { startCold } from './start-cold.ts';

/** Tools a VM needs on the host, and the Debian packages they are in. */
const TOOLS: [string, string][] = [
  [QEMU, 'qemu-system-x86'],
  ['qemu-img', 'qemu-utils'],
  ['mke2fs', 'e2fsprogs'],
];

/** Where guest/serve.c starts it. */
const AGENT = 'usr/sbin/qemu-ga';

/** QEMU virtual machines. What is chosen, and what it does to numbers: docs/virtual-machines.md. */
export const qemuRuntime: Runtime<QemuOptions> = {
  id: 'qemu',
  summary: 'QEMU virtual machine (KVM where it really works, else emulated and said so)',
  optionsSchema: qemuOptionsSchema as Runtime<QemuOptions>['optionsSchema'],
  label: labelOf,
  resolvePaths,
  needsImage: true,
  probe,
  prepare,
};

/** An arm that brings its own QEMU needs none of the system's. */
async function probe(options?: QemuOptions): Promise<Availability> {
  const missing: string[] = [];
  const ours = options?.emulator === undefined ? TOOLS : TOOLS.filter(([tool]) => tool !== QEMU);
  for (const [tool, name] of ours) if (!(await installed(tool))) missing.push(name);
  if (missing.length > 0)
    return {
      available: false,
      reason: `not installed: ${missing.join(', ')}`,
      remedy: `apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    };
  if (process.getuid?.() !== 0)
    return {
      available: false,
      reason: 'network namespaces, taps and cgroups need root',
      remedy: 'run bench as root',
    };
  return { available: true, notes: [] };
}

async function installed(tool: string): Promise<boolean> {
  for (const folder of PROGRAM_FOLDERS) {
    const found = await access(`${folder}/${tool}`, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Everything an arm's machines are made from. */
export interface Installed {
  installation: Installation;
  accelerator: Accelerator;
  parts: Record<string, Part>;
}

/** Looks for, checks and makes everything that machines of these options need. */
export async function install(
  runImage: Image | null,
  options: QemuOptions,
  context: RuntimeContext,
): Promise<Installed> {
  const { cacheDir, signal } = context;
  const emulator = await findEmulator(options);
  const disk = systemDisk(options);
  // A system on a disk still measures with our tree, which is attached beside it.
  const { image, parts } = await imageOfArm(disk === null ? options.image : undefined, runImage, context);
  const system = disk === null ? null : await openUserSystem(disk, options.firmware, context);
  requireAgent(image);
  const kernel = await kernelOf(options, image, runImage);
  checkNetwork(options, await networkHost(options, emulator.path), context.resources.cpus);
  checkMemory(options, context.resources.memoryMiB);
  await checkDiskHost(options, context.scratchDir, signal);
  const accelerator = await chooseAccelerator(options.accel, image, cacheDir, signal, { emulator, kernel });
  context.log(`qemu: ${accelerator.got} (${accelerator.reason})`);
  const needs = {
    transport: transportOf(options.machine),
    scsi: options.bus === 'virtio-scsi',
    balloon: options.balloon,
  };
  const installation: Installation = {
    context,
    options,
    image,
    accel: accelerator.got,
    emulator,
    launcher: await ensureLauncher(cacheDir),
    boot: await ensureBootFiles(kernel, needs, cacheDir, signal),
    blankRoot: await blankRootFor(image, context),
    disks: await disksFor(options, context),
    system,
  };
  return {
    installation,
    accelerator,
    parts: system
      ? { emulator: emulator.part, ...(await partsOfSystem(system)) }
      : { emulator: emulator.part, kernel: kernel.part, ...parts },
  };
}

async function prepare(
  runImage: Image | null,
  options: QemuOptions,
  context: RuntimeContext,
): Promise<Prepared> {
  const { installation, accelerator, parts } = await install(runImage, options, context);
  // Booted and saved now, so that no trial's start carries another's boot.
  if (startsSaved(options, accelerator.got)) await savedStateFor(installation, context.resources);
  // No trial's start carries the making of its disk either.
  await installation.disks.restock();
  return {
    caveats: caveatsOf(options, accelerator.got),
    emulated: accelerator.got === 'tcg',
    accelerator,
    parts,
    start: async (trial, resources, limitMs) =>
      startsSaved(options, accelerator.got)
        ? startSaved(installation, await savedStateFor(installation, resources), trial, resources)
        : startCold(installation, trial, resources, limitMs),
    restock: () => installation.disks.restock(),
  };
}

/** What the options name; else what the image brings; else, for an image without one, the run's guest image's. */
async function kernelOf(options: QemuOptions, image: Image, runImage: Image | null): Promise<KernelSource> {
  const { kernel, modules } = options;
  if (kernel !== undefined) return kernelOfOption({ kernel, modules }, runImage ?? image);
  if (image.kernelRelease !== '' || !runImage) return kernelOfImage(image, image !== runImage);
  return kernelOfImage(runImage);
}

/** Commands are run and files are copied by the guest agent; an image without it would boot and never answer. */
function requireAgent(image: Image): void {
  if (pathInside(image.rootfs, AGENT) !== undefined) return;
  throw new BenchError(
    'vm-image-agent',
    `image: there is no /${AGENT} in it, by which commands are run in a VM`,
    {
      hint: 'install the package qemu-guest-agent in the image',
    },
  );
}

async function disksFor(options: QemuOptions, context: RuntimeContext): Promise<DiskSupply> {
  const { cacheDir, scratchDir, signal } = context;
  return diskSupplyFor(await ensureDataTemplate(options, cacheDir, signal), options, scratchDir, signal);
}

/** One per run and image: every arm's root overlays are copies of it. */
async function blankRootFor(image: Image, context: RuntimeContext): Promise<string> {
  const { cacheDir, scratchDir, signal } = context;
  const base = await ensureRootDisk(image, cacheDir, signal);
  return cachedFile(join(scratchDir, `blank-${image.digest.slice(0, 24)}.qcow2`), (aside) =>
    makeBlankOverlay(base, 'raw', aside, signal),
  );
}

/**
 * Emulated, a boot costs seconds and a saved state is indistinguishable afterwards. Under KVM a boot costs tenths of a
 * second, and RAM mapped from a file would lack the huge pages that anonymous RAM gets: there `auto` boots.
 */
export function startsSaved(options: QemuOptions, accel: 'kvm' | 'tcg'): boolean {
  return options.start === 'saved' || (options.start === 'auto' && accel === 'tcg' && !options.hugepages);
}

/** What must be said beside every number of the arm (DESIGN.md, fairness 8). */
export function caveatsOf(options: QemuOptions, accel: 'kvm' | 'tcg'): string[] {
  return [
    ...(accel === 'tcg' ? ['emulated (TCG)'] : []),
    ...(options.cache === 'writeback' || options.cache === 'unsafe'
      ? [`disk cached by the host (cache=${options.cache})`]
      : []),
    ...(options.cache === 'unsafe' ? ['flushes ignored'] : []),
    ...(options.network === 'user' ? ['slirp network'] : []),
    ...(options.network === 'passt' ? ['passt network'] : []),
    ...(runsInImage(options) ? ["measured with the image's own tools"] : []),
    ...(startsSaved(options, accel) ? ['continues a saved state: its start-up time holds no boot'] : []),
  ];
}
