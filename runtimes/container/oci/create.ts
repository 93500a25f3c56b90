import { statSync, writeFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { deviceRulesOf, limitsOfResources } from '../../cgroup/oci-resources.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import type { Op } from '../../launch/ops.ts';
import { insideLinkOps } from '../../network/peer-network.ts';
import { processStartTime } from '../../sweep/process-start-time.ts';
import { containerPlan } from '../plan/container-plan.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import type { OciSpec } from '../spec/oci-spec.ts';
import { readBundle, type Bundle } from './bundle.ts';
import { cgroupPathOf } from './cgroup-path.ts';
import { findProgram } from './find-program.ts';
import { hookState, runHooks } from './hooks.ts';
import { CREATED, playHere, type Played } from './launch-detached.ts';
import { makes, namespaceBits } from './namespaces.ts';
import { GATE_SLOT, makeFifo, O_RDWR } from './start-gate.ts';
import { terminalOps } from './terminal.ts';
import type { ContainerState, StateRoot } from './state.ts';
import { refuseUnsupported } from './unsupported.ts';

export interface CreateRequest {
  id: string;
  bundle: string;
  cacheDir: string;
  /** Gets the pid of the container's first process, for the shim. */
  pidFile?: string;
  /** Unix socket that gets the terminal's master, when the process has a terminal. */
  consoleSocket?: string;
  preserveFds?: number;
}

/** A container made and waiting at its start gate. */
export interface Created {
  state: ContainerState;
  played: Played;
  /** What was asked and is left out, and limits that this kernel does not have, in words. */
  warnings: string[];
}

/**
 * Makes a container from a bundle up to its start gate: namespaces, cgroup, mounts and restrictions are in place, the
 * program does not run yet. What was made before a failure is taken back.
 */
export async function createContainer(root: StateRoot, request: CreateRequest): Promise<Created> {
  const { id } = request;
  const bundle = await readBundle(request.bundle);
  const { spec } = bundle;
  refuseTerminal(spec, request.consoleSocket);
  const warnings = refuseUnsupported(spec);
  root.claim(id);
  const cgroup = new Cgroup(cgroupPathOf(spec.linux?.cgroupsPath, id));
  let played: Played | undefined;
  try {
    let state = newState(id, bundle, cgroup.path);
    root.write(state);
    writeFileSync(root.configFile(id), JSON.stringify(spec), { mode: 0o600 });
    await makeFifo(root.startFifo(id));
    cgroup.create(limitsOfResources(spec.linux?.resources ?? {}));
    const devices = deviceRulesOf(spec.linux?.resources ?? {});
    const filter = devices ? cgroup.restrictDevices(devices) : [];
    const launcher = await ensureLauncher(request.cacheDir);
    const plan = planOf(root, state, spec, cgroup, filter, request);
    played = await playHere(launcher, plan, request.preserveFds);
    findProgram(`/proc/${played.pid}/root`, spec.process!);
    state = { ...state, pid: played.pid, startTime: processStartTime(played.pid) ?? '' };
    root.write(state);
    if (request.pidFile !== undefined) writeFileSync(request.pidFile, String(played.pid));
    return { state, played, warnings: [...warnings, ...cgroup.notes] };
  } catch (error) {
    if (played) killQuietly(played.pid);
    await cgroup.destroy().catch(() => undefined);
    await runHooks(spec.hooks?.poststop, hookState({ ...newState(id, bundle, cgroup.path) }, 'stopped', 0));
    root.remove(id);
    throw error;
  }
}

export function newState(id: string, { folder, spec }: Bundle, cgroupPath: string): ContainerState {
  return {
    schema: 'tare.oci-state/1',
    ociVersion: spec.ociVersion,
    id,
    bundle: folder,
    rootfs: spec.root.path,
    pid: 0,
    startTime: '',
    created: new Date().toISOString(),
    cgroupPath,
    namespaces: namespaceBits(spec),
    annotations: spec.annotations ?? {},
  };
}

function planOf(
  root: StateRoot,
  state: ContainerState,
  spec: OciSpec,
  cgroup: Cgroup,
  filter: readonly Op[],
  request: CreateRequest,
) {
  const unified = isUnified(cgroup.layout);
  const process = spec.process;
  const terminal = terminalOps(
    process?.terminal && request.consoleSocket !== undefined
      ? {
          consoleSocket: request.consoleSocket,
          size: process.consoleSize,
          uid: process.user.uid,
          console: true,
        }
      : null,
  );
  return containerPlan(spec, {
    owner: null,
    overlay: null,
    attachOps: [...filter, ...(unified ? [] : cgroup.attachChildOps())],
    birthCgroup: unified ? (cgroup.folders[0] ?? null) : null,
    // A network of its own gets its loopback; everything else is up to whoever asked for it (hooks, a joined namespace).
    network: { parent: [], inside: makes(spec, 'network') ? insideLinkOps(null) : [] },
    seccomp: spec.linux?.seccomp ? compileSeccomp(spec.linux.seccomp) : null,
    preserveFds: request.preserveFds ?? 0,
    main: 'exec',
    before: [
      { op: 'open', slot: GATE_SLOT, path: root.startFifo(state.id), flags: O_RDWR, mode: 0 },
      ...terminal.before,
    ],
    beforeExec: [
      { op: 'report', words: CREATED },
      { op: 'gate', slot: GATE_SLOT },
    ],
    terminal: terminal.inside,
    hookState: hookState(state, 'creating', '@PID@'),
    isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true,
    cgroupFolders: cgroup.folders,
    unified,
  });
}

function refuseTerminal(spec: OciSpec, consoleSocket: string | undefined): void {
  if (spec.process?.terminal && consoleSocket === undefined)
    throw new BenchError(
      'oci-terminal',
      'the process has a terminal, and there is no --console-socket to send it to',
      {
        hint: 'set process.terminal to false, or pass --console-socket',
      },
    );
  if (!spec.process?.terminal && consoleSocket !== undefined)
    throw new BenchError('oci-terminal', 'there is a --console-socket, but the process has no terminal');
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
