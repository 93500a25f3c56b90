import { readFileSync, rmSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { processStartTime } from '../../sweep/process-start-time.ts';
import type { OciSpec } from '../spec/oci-spec.ts';
import { hookState, runHooks } from './hooks.ts';
import { openGate } from './start-gate.ts';
import type { ContainerState, StateRoot } from './state.ts';
import { currentStatus } from './status.ts';

/** How long a killed process may take to be gone. The kernel needs milliseconds; a process in I/O may need more. */
const DEATH_LIMIT_MS = 10_000;

/** Opens the start gate: the program that was configured runs from here on. Hands back what poststart hooks complained. */
export async function startContainer(root: StateRoot, id: string): Promise<string[]> {
  const state = root.read(id);
  const status = currentStatus(root, state);
  if (status !== 'created')
    throw new BenchError('oci-state', `cannot start a container that is ${status}: ${id}`);
  const spec = storedSpec(root, id);
  openGate(root.startFifo(id));
  rmSync(root.startFifo(id), { force: true });
  return runHooks(spec.hooks?.poststart, hookState(state, 'running', state.pid));
}

/**
 * Sends a signal to the first process, or to all. The words of the errors are those that containerd and Podman look for.
 */
export function killContainer(root: StateRoot, id: string, signal: string, all: boolean): void {
  const state = root.read(id);
  const number = signalNumber(signal);
  if (all) {
    for (const pid of new Cgroup(state.cgroupPath).pids()) send(pid, number);
    return;
  }
  const status = currentStatus(root, state);
  if (status === 'stopped' || status === 'creating')
    throw new BenchError('oci-state', `container not running: ${id}`);
  send(state.pid, number);
}

/** Removes a stopped container; one that still waits at its gate, or any with `force`, is killed first. */
export async function deleteContainer(root: StateRoot, id: string, force: boolean): Promise<string[]> {
  let state: ContainerState;
  try {
    state = root.read(id);
  } catch (error) {
    if (!force) throw error;
    root.remove(id); // what a create that was killed left behind
    return [];
  }
  const status = currentStatus(root, state);
  if (status === 'running' || status === 'paused') {
    if (!force)
      throw new BenchError('oci-state', `cannot delete container ${id} that is not stopped: ${status}`, {
        hint: 'kill it first, or delete --force',
      });
  }
  const cgroup = new Cgroup(state.cgroupPath);
  if (status !== 'stopped') {
    if (status === 'paused') await cgroup.freeze(false);
    if (state.pid > 0) send(state.pid, osConstants.signals.SIGKILL);
    await untilGone(state);
  }
  await cgroup.destroy();
  const spec = storedSpec(root, id);
  const complaints = await runHooks(spec.hooks?.poststop, hookState(state, 'stopped', 0));
  root.remove(id);
  return complaints;
}

export async function pauseContainer(root: StateRoot, id: string, paused: boolean): Promise<void> {
  const state = root.read(id);
  const status = currentStatus(root, state);
  const allowed = paused ? ['running', 'created'] : ['paused'];
  if (!allowed.includes(status))
    throw new BenchError(
      'oci-state',
      `cannot ${paused ? 'pause' : 'resume'} a container that is ${status}: ${id}`,
    );
  await new Cgroup(state.cgroupPath).freeze(paused);
}

/**
 * The configuration as it was at create. It went through the schema then, with its defaults filled in, and lies since in a
 * folder that only we write: it is not checked again.
 */
export function storedSpec(root: StateRoot, id: string): OciSpec {
  return JSON.parse(readFileSync(root.configFile(id), 'utf8')) as OciSpec;
}

/** 'TERM', 'SIGTERM', 'sigterm' or '15' → 15. */
export function signalNumber(word: string): number {
  if (/^\d+$/.test(word) && Number(word) <= 64) return Number(word);
  const name = word.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const number = (osConstants.signals as Readonly<Record<string, number>>)[name];
  if (number === undefined)
    throw new BenchError('oci-signal', `there is no signal '${word}'`, {
      hint: 'a name such as TERM, or a number',
    });
  return number;
}

function send(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
  }
}

async function untilGone(state: ContainerState): Promise<void> {
  const deadline = performance.now() + DEATH_LIMIT_MS;
  for (
    let wait = 1;
    state.pid > 0 && processStartTime(state.pid) === state.startTime;
    wait = Math.min(wait * 2, 50)
  ) {
    if (performance.now() > deadline)
      throw new BenchError('oci-state', `process ${state.pid} of container ${state.id} does not end`);
    await sleep(wait);
  }
}
