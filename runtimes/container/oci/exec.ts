import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { setGroupsAllowed } from '../plan/container-plan.ts';
import { execPlan } from '../plan/exec-plan.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { processSchema, type OciProcess, type OciSpec } from '../spec/oci-spec.ts';
import { storedSpec } from './control.ts';
import type { LaunchPlan } from '../../launch/ops.ts';
import { findProgram } from './find-program.ts';
import { CREATED, playHere, type Played } from './launch-detached.ts';
import { GATE_SLOT, makeFifo, O_RDWR, openGate } from './start-gate.ts';
import type { StateRoot } from './state.ts';
import { currentStatus } from './status.ts';
import { terminalOps } from './terminal.ts';

export interface ExecRequest {
  id: string;
  cacheDir: string;
  /** What to run: a file with an OCI process, or words that change the container's own process. */
  process: { file: string } | ProcessChanges;
  pidFile?: string;
  consoleSocket?: string;
  preserveFds?: number;
  /** The program is to live on without us, as a child of whoever reaps here. */
  detach?: boolean;
}

export interface ProcessChanges {
  argv: string[];
  cwd?: string;
  env?: string[];
  /** uid[:gid] */
  user?: string;
  tty?: boolean;
}

/** Starts another process in a running container: same namespaces, cgroup, restrictions and filter. */
export async function execInContainer(root: StateRoot, request: ExecRequest): Promise<Played> {
  const state = root.read(request.id);
  const status = currentStatus(root, state);
  if (status !== 'running' && status !== 'created')
    throw new BenchError('oci-state', `cannot exec in a container that is ${status}: ${request.id}`);
  const spec = storedSpec(root, request.id);
  const process =
    'file' in request.process ? readProcess(request.process.file) : changed(spec, request.process);
  if (process.terminal && request.consoleSocket === undefined)
    throw new BenchError(
      'oci-terminal',
      'the process has a terminal, and there is no --console-socket to send it to',
    );
  findProgram(`/proc/${state.pid}/root`, process);
  const cgroup = new Cgroup(state.cgroupPath);
  const terminal = terminalOps(
    process.terminal && request.consoleSocket !== undefined
      ? {
          consoleSocket: request.consoleSocket,
          size: process.consoleSize,
          uid: process.user.uid,
          console: false,
        }
      : null,
  );
  const plan = execPlan(
    { pid: state.pid, startTime: state.startTime, namespaces: state.namespaces, joinOps: cgroup.joinOps() },
    process,
    {
      owner: null,
      seccomp: spec.linux?.seccomp ? compileSeccomp(spec.linux.seccomp) : null,
      preserveFds: request.preserveFds ?? 0,
      before: terminal.before,
      terminal: terminal.inside,
      setGroups: setGroupsAllowed(spec),
      birthCgroup: isUnified(cgroup.layout) ? (cgroup.folders[0] ?? null) : null,
    },
  );
  const launcher = await ensureLauncher(request.cacheDir);
  if (!request.detach) {
    const played = await playHere(launcher, plan, request.preserveFds);
    if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(played.pid));
    return played;
  }
  // A program that ends at once must not be reaped by the launcher, or the shim would wait for its end for ever: it waits
  // at a gate until the launcher is gone.
  const gate = root.execFifo(request.id);
  await makeFifo(gate);
  try {
    const played = await playHere(launcher, gated(plan, gate), request.preserveFds);
    if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(played.pid));
    await played.letGo();
    openGate(gate);
    return played;
  } finally {
    rmSync(gate, { force: true });
  }
}

/** The plan with a start gate before its program. Pure. */
export function gated(plan: LaunchPlan, fifo: string): LaunchPlan {
  const program = plan.at(-1);
  const owner = plan.findIndex(({ op }) => op === 'keyring');
  if (program?.op !== 'exec') throw new BenchError('oci-plan', 'the plan does not end with a program');
  return [
    ...plan.slice(0, owner + 1),
    { op: 'open', slot: GATE_SLOT, path: fifo, flags: O_RDWR, mode: 0 },
    ...plan.slice(owner + 1, -1).map((op) => (op.op === 'close-fds' ? { ...op, keepSlot: GATE_SLOT } : op)),
    { op: 'report', words: CREATED },
    { op: 'gate', slot: GATE_SLOT },
    program,
  ];
}

function readProcess(file: string): OciProcess {
  let told: unknown;
  try {
    told = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new BenchError('oci-process', `${file} cannot be read as JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const parsed = processSchema.safeParse(told);
  if (!parsed.success)
    throw new BenchError('oci-process', `${file} is no OCI process:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The container's own process with other words; ids as numbers, as there is no passwd to be trusted. */
function changed(spec: OciSpec, changes: ProcessChanges): OciProcess {
  if (!spec.process)
    throw new BenchError('oci-process', 'the container has no process to take the rest from');
  const ids = /^(\d+)(?::(\d+))?$/.exec(changes.user ?? '');
  if (changes.user !== undefined && !ids)
    throw new BenchError('oci-process', `'${changes.user}' is no user`, {
      hint: 'uid or uid:gid, as numbers',
    });
  return {
    ...spec.process,
    args: changes.argv,
    cwd: changes.cwd ?? spec.process.cwd,
    env: [...(spec.process.env ?? []), ...(changes.env ?? [])],
    user: ids ? { uid: Number(ids[1]), gid: Number(ids[2] ?? 0) } : spec.process.user,
    terminal: changes.tty ?? false,
  };
}
