import { execa } from 'execa';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { diesWithUs, PARKED, startPlan, type LaunchExit } from '../../launch/launch.ts';
import type { LaunchPlan, Op } from '../../launch/ops.ts';
import { execPlan } from '../plan/exec-plan.ts';
import { hostPrivilege } from '../rootless/privilege.ts';
import { affinityOf, setGroupsIn } from '../rootless/running.ts';
import { requireMappedUser } from '../rootless/user-mapping.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { CAPABILITIES, heldCapabilities } from '../spec/capabilities.ts';
import { defaultProcess } from '../spec/default-spec.ts';
import { seccompSchema } from '../spec/oci-spec.ts';
import { readEtc, resolveUser } from '../user.ts';
import { attach, type Foreground } from './attach.ts';
import { announce, containerSubject } from './events.ts';
import type { ContainerRecord } from './record.ts';
import { cgroupOf, containerStatus } from './status.ts';
import { GATE, NO_LOG, supervisionOps } from './supervision.ts';

export interface ExecRequest {
  cacheDir: string;
  argv: string[];
  env: readonly string[];
  cwd?: string;
  /** As the container's own passwd and group have it now. */
  user?: string;
  terminal: boolean;
  interactive: boolean;
  privileged: boolean;
}

/** Streams of the program that are not our own. */
interface PlanParts {
  owner: Op | null;
  before: readonly Op[];
  parent: readonly Op[];
  terminal: readonly Op[];
  beforeExec: readonly Op[];
}

/** Runs a program in a running container under the container's own restrictions. Resolves with the exit code a shell would give. */
export async function execForeground(
  record: ContainerRecord,
  request: ExecRequest,
  detachKeys: Buffer,
  io: Foreground,
): Promise<number> {
  needRunning(record);
  announce(containerSubject(record), 'exec', { command: request.argv.join(' ') });
  return request.terminal
    ? execOnTerminal(record, request, detachKeys, io)
    : execOnOurStreams(record, request, io.signal);
}

/** Starts a program and leaves it; resolves when it runs. */
export async function execDetached(record: ContainerRecord, request: ExecRequest): Promise<void> {
  needRunning(record);
  announce(containerSubject(record), 'exec', { command: request.argv.join(' ') });
  const plan = planOf(record, request, { owner: null, before: [], parent: [], terminal: [], beforeExec: [] });
  const launcher = await ensureLauncher(request.cacheDir);
  const launched = await startPlan({ launcher, plan, stdout: 'ignore', stderr: 'ignore', detached: true });
  launched.release();
}

async function execOnOurStreams(
  record: ContainerRecord,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<number> {
  const plan = planOf(record, request, {
    owner: diesWithUs(),
    before: [],
    parent: [],
    terminal: [],
    beforeExec: [],
  });
  const launched = await startPlan({
    launcher: await ensureLauncher(request.cacheDir),
    plan,
    stdin: request.interactive ? 0 : undefined,
    stdout: 1,
    stderr: 2,
    signal,
  });
  return exitCodeOf(await launched.exited);
}

/**
 * On a terminal of the container's own devpts. Node cannot take a descriptor from a socket, so the launcher's supervisor holds
 * the master, as it does for a container, in a folder that goes with the program.
 */
async function execOnTerminal(
  record: ContainerRecord,
  request: ExecRequest,
  detachKeys: Buffer,
  io: Foreground,
): Promise<number> {
  const folder = mkdtempSync(join(record.stateFolder, 'exec-'));
  try {
    const gate = join(folder, 'gate');
    await execa('mkfifo', ['-m', '600', gate]);
    const { rows = 24, columns = 80 } = io.stdout;
    const { uid } = userOf(record, request);
    const supervision = supervisionOps({
      folder,
      maxLogBytes: NO_LOG,
      uid,
      console: false,
      terminal: true,
      interactive: request.interactive,
      size: { rows, columns },
    });
    const plan = planOf(record, request, {
      owner: diesWithUs(),
      before: [supervision.supervise, ...supervision.before],
      parent: supervision.parent,
      terminal: supervision.inside,
      beforeExec: [
        { op: 'report', words: PARKED },
        { op: 'gate', slot: GATE },
      ],
    });
    const launcher = await ensureLauncher(request.cacheDir);
    const launched = await startPlan({ launcher, plan, stdout: 'ignore', stderr: 'ignore' });
    const attached = await attach(
      {
        folder,
        name: record.name,
        input: request.interactive,
        terminal: true,
        detachKeys,
        interrupted: () => void launched.stop('SIGTERM'),
      },
      io,
    );
    writeFileSync(gate, '\n');
    if ((await attached.ended) === 'ended') return exitCodeOf(await launched.exited);
    await launched.stop();
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function needRunning(record: ContainerRecord): void {
  const status = containerStatus(record);
  if (status !== 'running')
    throw new BenchError('container-not-running', `${record.name} is ${status}, not running`);
}

/** Names are those of the container now: its own writes over the image's files. */
function userOf(
  record: ContainerRecord,
  request: ExecRequest,
): { uid: number; gid: number; additionalGids?: number[] | null } {
  if (request.user === undefined) return record.process.user;
  const layers = [...record.request.layers, join(record.dataFolder, 'upper')];
  const { uid, gid, additionalGids } = resolveUser(
    request.user,
    readEtc(layers, 'passwd'),
    readEtc(layers, 'group'),
  );
  return { uid, gid, additionalGids };
}

function planOf(record: ContainerRecord, request: ExecRequest, parts: PlanParts): LaunchPlan {
  const cgroup = cgroupOf(record);
  const user = userOf(record, request);
  requireMappedUser(hostPrivilege(), user);
  const seccomp = seccompSchema.safeParse(record.seccomp);
  const own = record.process;
  const capabilities = request.privileged
    ? heldCapabilities(CAPABILITIES)
    : (own.capabilities?.bounding ?? []);
  // Another user gets what that user would have had from the start: root all that is granted, others the bounding set only.
  const given = defaultProcess({
    argv: request.argv,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...(user.additionalGids ?? [])] },
    capabilities,
    privileged: request.privileged,
  });
  const env = [...(own.env ?? []), ...request.env];
  if (request.terminal && !env.some((each) => each.startsWith('TERM='))) env.push('TERM=xterm');
  return execPlan(
    {
      pid: record.pid,
      startTime: record.startTime,
      namespaces: record.namespaces,
      joinOps: cgroup.joinOps(),
    },
    {
      ...own,
      args: request.argv,
      env,
      cwd: request.cwd ?? own.cwd,
      user: { ...own.user, ...user },
      capabilities: given.capabilities,
      noNewPrivileges: request.privileged ? false : own.noNewPrivileges,
      terminal: request.terminal,
    },
    {
      ...parts,
      before: [...(record.cgroup === '' ? affinityOf(record.pid) : []), ...parts.before],
      seccomp: seccomp.success && !request.privileged ? compileSeccomp(seccomp.data) : null,
      preserveFds: 0,
      setGroups: setGroupsIn(record.pid),
      birthCgroup: isUnified(cgroup.layout) ? (cgroup.folders[0] ?? null) : null,
    },
  );
}

function exitCodeOf(exit: LaunchExit): number {
  if (exit.exitCode !== null) return exit.exitCode;
  return 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
}
