import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import type { Instance } from '../contract.ts';
import { BOOT_TIMEOUT_MS } from './defaults.ts';
import { commandLine, type MachineSpec } from './machine/command-line.ts';
import { Emulator } from './machine/emulator.ts';
import { openGuestLink, putClockAndEntropyRight, type GuestLink } from './machine/guest-link.ts';
import { machineSpec } from './machine/spec.ts';
import { pinMachine } from './machine/vcpus.ts';
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
  });
}

/** Boots a guest from nothing. Resolves when its agent answers: from then on a command could run. */
export async function startCold(
  installation: Installation,
  trial: string,
  resources: Resources,
): Promise<Instance> {
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
    const { opened, pinned } = await emulator.during('while it started', connect(running, place, resources));
    link = opened;
    const processMs = performance.now() - begunMs;
    await emulator.during('while it booted', link.agent.sync(BOOT_TIMEOUT_MS));
    await emulator.during('while it booted', putClockAndEntropyRight(link.port));
    checkHypervisor(installation.accel, link.port.hypervisor);
    const { phases } = link.port;
    return new QemuInstance(
      { installation, place, emulator, link },
      {
        start: 'cold boot',
        startPlaceMs: placeMs,
        startProcessMs: processMs - executedMs,
        startKernelMs: (phases.init ?? 0) / 1000,
        startModulesMs: ((phases.modules ?? 0) - (phases.init ?? 0)) / 1000,
        startRootMs: ((phases.root ?? 0) - (phases.modules ?? 0)) / 1000,
        startTotalMs: performance.now() - begunMs,
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
): Promise<{ opened: GuestLink; pinned: string }> {
  await emulator.openMonitor(place.sockets.monitor);
  const [opened, pinned] = await Promise.all([
    openGuestLink(emulator, place.sockets),
    pinMachine(emulator, resources),
  ]);
  return { opened, pinned };
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
