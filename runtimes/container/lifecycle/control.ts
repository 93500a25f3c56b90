import { closeSync, constants, openSync, writeFileSync, writeSync } from 'node:fs';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import type { HostCost } from '../../../results/record/trial.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { diskUsage } from '../disk-usage.ts';
import { hasFolders, ownDelegation } from '../rootless/cgroup-place.ts';
import { costOfProcesses, processesWith } from '../rootless/process-tree.ts';
import { launchAgain } from './create.ts';
import { announce, containerSubject } from './events.ts';
import { type ContainerRecord, type ContainerStatus } from './record.ts';
import { cgroupOf, containerStatus, killAll } from './status.ts';
import { waitContainer } from './wait.ts';

/** What `stop` gives before it kills, s; Docker's. */
export const STOP_GRACE_S = 10;

/**
 * Opens the start gate; a container that has ended is launched again first. One that runs is left as it is. Hands back the
 * record of the one that runs now.
 *
 * @throws BenchError `container-status`.
 */
export async function startContainer(record: ContainerRecord, cacheDir: string): Promise<ContainerRecord> {
  const status = containerStatus(record);
  if (status === 'making' || status === 'removing')
    throw new BenchError('container-status', `${record.name} is ${status}: it cannot be started`);
  if (status === 'running' || status === 'paused') return record;
  const ready = status === 'exited' ? await launchAgain(record, cacheDir) : record;
  openGate(ready);
  announce(containerSubject(ready), 'start');
  return ready;
}

/** First the gate, then the word that it is open: a caller killed between leaves a container that runs and is seen to. */
function openGate(record: ContainerRecord): void {
  try {
    const { O_WRONLY, O_NONBLOCK } = constants;
    const fd = openSync(join(record.stateFolder, 'gate'), O_WRONLY | O_NONBLOCK);
    writeSync(fd, '\n');
    closeSync(fd);
  } catch (error) {
    // Nobody waits at it any more: it was opened before.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  }
  writeFileSync(join(record.stateFolder, 'started'), new Date().toISOString());
}

/** A signal to the first process. @throws BenchError `signal-unknown`, `container-not-running`. */
export function killContainer(record: ContainerRecord, name: string): void {
  const upper = name.toUpperCase();
  const full = /^\d+$/.test(upper) || upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const signal = /^\d+$/.test(full) ? Number(full) : os.signals[full as NodeJS.Signals];
  if (signal === undefined) throw new BenchError('signal-unknown', `there is no signal ${name}`);
  if (processStartTime(record.pid) !== record.startTime)
    throw new BenchError('container-not-running', `${record.name} is not running`);
  process.kill(record.pid, signal);
  announce(containerSubject(record), 'kill', { signal });
}

/** Asks with its stop signal, waits, then kills. Idempotent. */
export async function stopContainer(record: ContainerRecord, graceS: number): Promise<void> {
  const status = containerStatus(record);
  if (status === 'exited') return;
  if (status === 'paused') await cgroupOf(record).freeze(false);
  if (status !== 'created') {
    killContainer(record, record.stopSignal);
    const ended = waitContainer(record).then(() => true);
    if (await Promise.race([ended, sleep(graceS * 1000, false, { ref: false })])) {
      announce(containerSubject(record), 'stop');
      return;
    }
  }
  await killAll(record);
  await waitContainer(record);
  announce(containerSubject(record), 'stop');
}

export async function pauseContainer(record: ContainerRecord, paused: boolean): Promise<void> {
  const wanted: ContainerStatus = paused ? 'running' : 'paused';
  if (containerStatus(record) !== wanted)
    throw new BenchError('container-status', `${record.name} is ${containerStatus(record)}, not ${wanted}`);
  const cgroup = cgroupOf(record);
  const delegation = ownDelegation();
  if (!hasFolders(cgroup))
    throw new BenchError('rootless-pause', `${record.name} cannot be paused: it has no cgroup to freeze`, {
      hint: delegation?.kind === 'none' ? `${delegation.reason}; ${delegation.remedy}` : undefined,
    });
  await cgroup.freeze(paused);
  announce(containerSubject(record), paused ? 'pause' : 'unpause');
}

/** What it uses now. */
export function containerStats(record: ContainerRecord): HostCost & { pids: number; oomKills: number } {
  const cgroup = cgroupOf(record);
  if (!hasFolders(cgroup)) {
    const pids = processesWith(record.pid);
    const none = { userMs: 0, systemMs: 0, readBytes: 0, writeBytes: 0 };
    const cost = costOfProcesses(pids, none, diskUsage(join(record.dataFolder, 'upper')));
    return { ...cost, pids: pids.length, oomKills: 0 };
  }
  const cost = cgroup.cost(diskUsage(join(record.dataFolder, 'upper')));
  return { ...cost, pids: cgroup.pids().length, oomKills: cgroup.oomKills() };
}
