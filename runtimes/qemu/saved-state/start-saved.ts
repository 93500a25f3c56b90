import type { Resources } from '../../../results/record/plan.ts';
import { BenchError } from '../../../results/bench-error.ts';
import type { Instance } from '../../contract.ts';
import { RESUME_TIMEOUT_MS } from '../defaults.ts';
import { INHERITED_FD, type Emulator } from '../machine/emulator.ts';
import { putClockAndEntropyRight, type GuestLink } from '../machine/guest-link.ts';
import { machineSpec, setupRequests } from '../machine/spec.ts';
import { makePlace, removePlace, type Installation, type Place } from '../place.ts';
import { QemuInstance } from '../qemu-instance.ts';
import { connect, memoryFacts, startEmulator } from '../start-cold.ts';
import { useSharedMemory, type SavedState } from './save.ts';

/**
 * Continues the saved guest in a QEMU of its own: RAM mapped privately from the saved file, a fresh overlay on the saved
 * root disk, the trial's own data disk and network. Clock, randomness, address and data disk are put right before the
 * instance is handed over, and the facts say that it was not booted.
 */
export async function startSaved(
  installation: Installation,
  saved: SavedState,
  trial: string,
  resources: Resources,
): Promise<Instance> {
  const begunMs = performance.now();
  const place = await makePlace(installation, trial, resources, saved.disks);
  const placeMs = performance.now() - begunMs;
  let emulator: Emulator | undefined;
  let link: GuestLink | undefined;
  try {
    const spec = machineSpec(installation, place, resources, {
      setup: false,
      memoryFile: { path: saved.memory.path, share: false },
      incoming: { kernel: saved.stubKernel },
      mac: saved.mac,
    });
    emulator = await startEmulator(installation, place, spec, resources, saved.devices);
    const { opened, pinned } = await emulator.during(
      'while it started',
      connect(emulator, place, resources, installation.options),
    );
    link = opened;
    link.port.runner = saved.runner;
    const processMs = performance.now() - begunMs;
    await emulator.during('while its state was restored', restore(emulator));
    const restoredMs = performance.now() - begunMs;
    const agentMs = await emulator.during('while it was put right', putRight(installation, place, link));
    const totalMs = performance.now() - begunMs;
    return new QemuInstance(
      { installation, place, emulator, link },
      {
        start: 'continued from a saved state',
        startPlaceMs: placeMs,
        startProcessMs: processMs - placeMs,
        startRestoreMs: restoredMs - processMs,
        startAgentMs: agentMs,
        startPutRightMs: totalMs - restoredMs,
        startTotalMs: totalMs,
        ...memoryFacts(saved.idle),
        savedBootMs: saved.bootMs,
        savedSaveMs: saved.saveMs,
        savedDeviceBytes: saved.deviceBytes,
        savedMemoryOnDisk: saved.memory.onDisk,
        vcpusOn: pinned,
        hypervisorSeenInside: saved.hypervisor,
        clock: 'set from the host after the saved state',
        entropy: 'fresh from the host after the saved state',
      },
    );
  } catch (error) {
    link?.close();
    await emulator?.destroy();
    await removePlace(place).catch(() => undefined);
    throw error;
  }
}

async function restore(emulator: Emulator): Promise<void> {
  const { qmp } = emulator;
  const finished = qmp.nextEvent('MIGRATION', RESUME_TIMEOUT_MS, ({ data }) =>
    ['completed', 'failed'].includes(String(data.status)),
  );
  finished.catch(() => undefined);
  await useSharedMemory(emulator);
  await qmp.execute('migrate-incoming', { uri: `fd:${INHERITED_FD}` });
  const { data } = await finished;
  if (data.status !== 'completed')
    throw new BenchError('vm-restore', 'the saved state could not be restored');
  await qmp.execute('cont');
}

/**
 * What a clone must not share with its template. All requests are sent at once; the guest does them in order. Gives the
 * time until the agent answered, ms.
 */
async function putRight(installation: Installation, place: Place, link: GuestLink): Promise<number> {
  const { net, mount } = setupRequests(installation.options, place);
  const begunMs = performance.now();
  const agent = link.agent.sync(RESUME_TIMEOUT_MS).then(() => performance.now() - begunMs);
  await Promise.all([
    agent,
    putClockAndEntropyRight(link.port),
    link.port.request('net', net, RESUME_TIMEOUT_MS),
    link.port.request('mount', mount, RESUME_TIMEOUT_MS),
  ]);
  return agent;
}
