import { readFileSync, writeFileSync } from 'node:fs';
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
import { findProgram } from './find-program.ts';
import { playHere, type Played } from './launch-detached.ts';
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
  const terminal = process.terminal
    ? terminalOps(request.consoleSocket ?? '', process.consoleSize ?? null)
    : { before: [], inside: [] };
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
  const played = await playHere(await ensureLauncher(request.cacheDir), plan, request.preserveFds);
  if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(played.pid));
  return played;
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
