import { BenchError } from '../../../results/bench-error.ts';
import { isUnified } from '../../cgroup/layout.ts';
import { ensureLauncher } from '../../launch/ensure-launcher.ts';
import { diesWithUs, startPlan, type LaunchExit } from '../../launch/launch.ts';
import { execPlan } from '../plan/exec-plan.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { seccompSchema } from '../spec/oci-spec.ts';
import { resolveUser } from '../user.ts';
import { cgroupOf, containerStatus } from './control.ts';
import type { ContainerRecord } from './record.ts';

export interface ExecRequest {
  cacheDir: string;
  argv: string[];
  env: readonly string[];
  cwd?: string;
  /** Numbers only: uid or uid:gid. */
  user?: string;
  signal?: AbortSignal;
}

/** Runs a program in a running container on our own streams, under the container's own restrictions. */
export async function execInContainer(record: ContainerRecord, request: ExecRequest): Promise<LaunchExit> {
  const status = containerStatus(record);
  if (status !== 'running')
    throw new BenchError('container-not-running', `${record.name} is ${status}, not running`);
  const launcher = await ensureLauncher(request.cacheDir);
  const cgroup = cgroupOf(record);
  const user = request.user === undefined ? record.process.user : resolveUser(request.user, '', '');
  const seccomp = seccompSchema.safeParse(record.seccomp);
  const plan = execPlan(
    {
      pid: record.pid,
      startTime: record.startTime,
      namespaces: record.namespaces,
      joinOps: cgroup.joinOps(),
    },
    {
      ...record.process,
      args: request.argv,
      env: [...(record.process.env ?? []), ...request.env],
      cwd: request.cwd ?? record.process.cwd,
      user: { ...record.process.user, ...user },
    },
    {
      owner: diesWithUs(),
      seccomp: seccomp.success ? compileSeccomp(seccomp.data) : null,
      preserveFds: 0,
      before: [],
      terminal: [],
      setGroups: true,
      birthCgroup: isUnified(cgroup.layout) ? (cgroup.folders[0] ?? null) : null,
    },
  );
  const launched = await startPlan({
    launcher,
    plan,
    stdin: 0,
    stdout: 1,
    stderr: 2,
    signal: request.signal,
  });
  return launched.exited;
}
