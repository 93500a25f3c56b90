import { closeSync, constants, openSync, watch, writeFileSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import type { HostCost } from '../../../results/record/trial.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { diskUsage } from '../disk-usage.ts';
import { removeBridge, unpublishPorts } from './bridge.ts';
import {
  exitOf,
  listRecords,
  statusOf,
  type ContainerExit,
  type ContainerRecord,
  type ContainerStatus,
} from './record.ts';

const POLL_MS = 20;
/** What `stop` gives before it kills, s; Docker's. */
export const STOP_GRACE_S = 10;

export function cgroupOf(record: ContainerRecord): Cgroup {
  return new Cgroup(record.cgroup);
}

export function containerStatus(record: ContainerRecord): ContainerStatus {
  return statusOf(record, isFrozen);
}

function isFrozen(record: ContainerRecord): boolean {
  const cgroup = cgroupOf(record);
  const folder = cgroup.folder('freezer') ?? '';
  const unified = isUnified(cgroup.layout);
  const text = readText(join(folder, unified ? 'cgroup.freeze' : 'freezer.state'))?.trim();
  return text === (unified ? '1' : 'FROZEN');
}

/** Opens the start gate. A container that runs or has ended is left as it is. */
export function startContainer(record: ContainerRecord): void {
  const status = containerStatus(record);
  if (status === 'exited')
    throw new BenchError('container-exited', `${record.name} has ended; a container runs once`, {
      hint: `bench container rm ${record.name}, then run it again`,
    });
  if (status !== 'created') return;
  writeFileSync(join(record.stateFolder, 'started'), new Date().toISOString());
  const fd = openSync(join(record.stateFolder, 'gate'), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, '\n');
  closeSync(fd);
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
}

/** Resolves when it has ended, with how. */
export async function waitContainer(
  record: ContainerRecord,
  signal?: AbortSignal,
): Promise<ContainerExit | null> {
  const woken = new AbortController();
  // The supervisor's file tells at once; the slow poll is for a supervisor that was killed.
  const watcher = watch(record.stateFolder, () => woken.abort());
  watcher.on('error', () => undefined);
  try {
    while (!exitOf(record) && processStartTime(record.pid) === record.startTime) {
      if (signal?.aborted) throw new BenchError('interrupted', 'interrupted while waiting');
      await sleep(POLL_MS);
    }
    // The process ends a moment before its supervisor has read the last output and written the exit.
    for (let tries = 0; !exitOf(record) && tries < 50; tries++) await sleep(POLL_MS);
    return exitOf(record);
  } finally {
    watcher.close();
  }
}

/** Asks with its stop signal, waits, then kills. Idempotent. */
export async function stopContainer(record: ContainerRecord, graceS: number): Promise<void> {
  const status = containerStatus(record);
  if (status === 'exited') return;
  if (status === 'paused') await cgroupOf(record).freeze(false);
  if (status !== 'created') {
    killContainer(record, record.stopSignal);
    const ended = waitContainer(record).then(() => true);
    if (await Promise.race([ended, sleep(graceS * 1000, false, { ref: false })])) return;
  }
  await cgroupOf(record).killAll();
  await waitContainer(record);
}

export async function pauseContainer(record: ContainerRecord, paused: boolean): Promise<void> {
  const wanted: ContainerStatus = paused ? 'running' : 'paused';
  if (containerStatus(record) !== wanted)
    throw new BenchError('container-status', `${record.name} is ${containerStatus(record)}, not ${wanted}`);
  await cgroupOf(record).freeze(paused);
}

/** Removes everything of it. Idempotent; `force` kills first. */
export async function removeContainer(record: ContainerRecord, force: boolean): Promise<void> {
  const status = containerStatus(record);
  if (status === 'running' || status === 'paused') {
    if (!force)
      throw new BenchError('container-running', `${record.name} is ${status}`, {
        hint: `bench container stop ${record.name}, or rm -f`,
      });
  }
  await cgroupOf(record).killAll();
  if (status !== 'exited') await waitContainer(record);
  await cgroupOf(record).destroy();
  await unpublishPorts(record);
  await rm(record.dataFolder, { recursive: true, force: true });
  await rm(record.stateFolder, { recursive: true, force: true });
  if (record.address !== null && listRecords().every((each) => each.address === null)) await removeBridge();
}

/** What it uses now. */
export function containerStats(record: ContainerRecord): HostCost & { pids: number; oomKills: number } {
  const cgroup = cgroupOf(record);
  const cost = cgroup.cost(diskUsage(join(record.dataFolder, 'upper')));
  return { ...cost, pids: cgroup.pids().length, oomKills: cgroup.oomKills() };
}
