import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import { bootPhases } from './boot-phases.ts';
import type { GuestMemory } from './control/guest-port.ts';
import { BOOT_FAILURE_MS, BOOT_TIMEOUT_MS, FIRMWARE_BOOT_TIMEOUT_MS } from './defaults.ts';
import { runsInImage } from './firmware/firmware-options.ts';
import { commandLine, type MachineSpec } from './machine/command-line.ts';
import { Emulator } from './machine/emulator.ts';
import { openGuestLink, putClockAndEntropyRight, type GuestLink } from './machine/guest-link.ts';
import { machineSpec, setupRequests } from './machine/spec.ts';
import { pinMachine } from './machine/vcpus.ts';
import type { QemuOptions } from './options.ts';
import { launchOps, makePlace, removePlace, type Installation, type Place } from './place.ts';
import { QemuInstance } from './qemu-instance.ts';

/** QEMU for a machine, in its place; nothing of the guest has answered yet. */
export function startEmulator(
  installation: Installation,
  place: Place,
  spec: MachineSpec,
  resources: Resources,
  inheritedFile?: string,
): Promise<Emulator> {
  return Emulator.start({
    launcher: installation.launcher,
    argv: commandLine(spec),
    namespacePath: place.network.namespacePath,
    launchOps: launchOps(place.cgroup, resources),
    consolePath: place.sockets.console,
    inheritedFile,
    ...(installation.person?.outlives && { outlives: { wordsPath: join(place.folder, 'words.log') } }),
  });
}

/** Boots a guest from nothing. Resolves when its agent answers: from then on a command could run. */
export async function startCold(
  installation: Installation,
  trial: string,
  resources: Resources,
  limitMs = Infinity,
): Promise<QemuInstance> {
  const begunMs = performance.now();
  const place = await makePlace(installation, trial, resources);
  const placeMs = performance.now() - begunMs;
  let emulator: Emulator | undefined;
  let link: GuestLink | undefined;
  try {
    const spec = machineSpec(installation, place, resources, { setup: true });
    emulator = await startEmulator(installation, place, spec, resources);
    const running = emulator;
    const executedMs = performance.now() - begunMs;
    const executedNs = process.hrtime.bigint();
    const { opened, pinned } = await emulator.during(
      'while it started',
      connect(running, place, resources, installation.options),
    );
    link = opened;
    const processMs = performance.now() - begunMs;
    await emulator.during('while it booted', link.agent.sync(bootTimeoutMs(installation, limitMs - placeMs)));
    const agentMs = performance.now() - begunMs;
    await emulator.during('while it booted', putClockAndEntropyRight(link.port));
    // A direct boot was given both on its kernel's command line.
    if (place.system) await emulator.during('while it was set up', setUp(installation, place, link));
    checkHypervisor(installation.accel, link.port.hypervisor);
    const totalMs = performance.now() - begunMs;
    const { phases, kernelBeganNs } = link.port;
    const kernelBeganMs =
      kernelBeganNs === undefined ? undefined : executedMs + Number(kernelBeganNs - executedNs) / 1e6;
    const times = { placeMs, executedMs, processMs, kernelBeganMs, agentMs, totalMs, phases };
    return new QemuInstance(
      { installation, place, emulator, link },
      {
        start: place.system ? 'booted by its firmware' : 'cold boot',
        ...bootPhases(times),
        ...memoryFacts(await emulator.during('after it had booted', link.port.memory())),
        vcpusOn: pinned,
        hypervisorSeenInside: link.port.hypervisor,
        clock: 'set from the host after boot',
      },
    );
  } catch (error) {
    link?.close();
    await emulator?.destroy();
    await removePlace(place).catch(() => undefined);
    throw error;
  }
}

/** Monitor, both ways into the guest, and every thread where it belongs. */
export async function connect(
  emulator: Emulator,
  place: Place,
  resources: Resources,
  options: QemuOptions,
): Promise<{ opened: GuestLink; pinned: string }> {
  await emulator.openMonitor(place.sockets.monitor);
  const [opened, pinned] = await Promise.all([
    openGuestLink(emulator, place.sockets, runsInImage(options) ? 'enter' : 'run'),
    pinMachine(emulator, resources),
  ]);
  return { opened, pinned };
}

/**
 * How long a guest may take to its agent's first answer: a distribution's whole boot takes many times ours. A trial's own
 * limit comes first, early enough that the boot fails by its name, with the console's last words.
 */
export function bootTimeoutMs({ system }: Pick<Installation, 'system'>, limitMs = Infinity): number {
  const own = system ? FIRMWARE_BOOT_TIMEOUT_MS : BOOT_TIMEOUT_MS;
  return Math.min(own, Math.max(limitMs - BOOT_FAILURE_MS, BOOT_FAILURE_MS));
}

/** Network and data disk, by the port: the verbs that put a continued guest right. */
export async function setUp(installation: Installation, place: Place, link: GuestLink): Promise<void> {
  const { net, mount } = setupRequests(installation.options, place);
  await link.port.request('net', net);
  await link.port.request('mount', mount);
}

/** What an idle guest itself has in use. The emulator's memory on the host is the cgroup's matter. */
export function memoryFacts({ totalKiB, availableKiB }: GuestMemory): Record<string, number> {
  const mib = (kib: number): number => Math.round((kib / 1024) * 10) / 10;
  return { guestMemoryTotalMiB: mib(totalKiB), guestMemoryUsedMiB: mib(totalKiB - availableKiB) };
}

/** The guest's own word on what runs its CPU. @throws BenchError `vm-accelerator-mismatch`. */
export function checkHypervisor(accel: 'kvm' | 'tcg', seen: string): void {
  const wanted = accel === 'kvm' ? 'KVM' : 'TCG';
  if (seen.startsWith(wanted)) return;
  throw new BenchError(
    'vm-accelerator-mismatch',
    `the guest was started under ${accel.toUpperCase()} but says that it runs under ${seen || 'nothing it can name'}`,
  );
}
