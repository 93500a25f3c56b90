import { setTimeout as sleep } from 'node:timers/promises';
import { removeOwned } from '../../sweep/sweep.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { GuestPort } from '../control/guest-port.ts';
import { QmpClient } from '../control/qmp-client.ts';
import { QMP_TIMEOUT_MS, QUIT_TIMEOUT_MS } from '../defaults.ts';
import { ownerOf, statusOf, type MachineRecord } from './machine-record.ts';

/** How a machine ended when it was asked to. */
export type StopKind = 'powered down' | 'killed' | 'had ended';

const LOOK_AGAIN_MS = 50;
/** A monitor or a guest that does not take a word at once is no longer asked. */
const ASK_MS = 2_000;

/** Asks the system in it to end, as its power button would; after the grace QEMU is ended. */
export async function stopMachine(record: MachineRecord, graceSeconds: number): Promise<StopKind> {
  if (statusOf(record) === 'ended') return 'had ended';
  if (graceSeconds > 0) {
    await (record.bootedBy === 'firmware' ? pressPowerButton(record) : askFirstProcess(record)).catch(
      () => undefined,
    );
    if (await endsWithin(record, graceSeconds * 1000)) return 'powered down';
  }
  await quit(record);
  return 'killed';
}

/** Removes everything of it. @throws BenchError `vm-running` unless it is to be ended first. */
export async function removeMachine(record: MachineRecord, force: boolean): Promise<void> {
  if (statusOf(record) === 'running') {
    if (!force)
      throw new BenchError('vm-running', `the machine '${record.name}' is running`, {
        hint: `bench vm stop ${record.name}, or rm -f`,
      });
    await quit(record);
  }
  const owner = ownerOf(record);
  if (owner) await removeOwned(owner);
}

async function pressPowerButton({ sockets }: MachineRecord): Promise<void> {
  const qmp = await QmpClient.connect(sockets.monitor, ASK_MS);
  await qmp.execute('system_powerdown', {}, QMP_TIMEOUT_MS).finally(() => qmp.close());
}

async function askFirstProcess({ sockets }: MachineRecord): Promise<void> {
  const port = await GuestPort.connect(sockets.guest, ASK_MS);
  // Its answer is that it is gone.
  await port.request('end', [], ASK_MS).finally(() => port.close());
}

async function quit(record: MachineRecord): Promise<void> {
  const qmp = await QmpClient.connect(record.sockets.monitor, ASK_MS).catch(() => undefined);
  await qmp?.execute('quit', {}, QUIT_TIMEOUT_MS).catch(() => undefined);
  qmp?.close();
  if (await endsWithin(record, QUIT_TIMEOUT_MS)) return;
  process.kill(record.pid, 'SIGKILL');
  await endsWithin(record, QMP_TIMEOUT_MS);
}

async function endsWithin(record: MachineRecord, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  while (statusOf(record) === 'running') {
    if (performance.now() > until) return false;
    await sleep(LOOK_AGAIN_MS);
  }
  return true;
}
