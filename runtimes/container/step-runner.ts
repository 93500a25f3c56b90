import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { startPlan } from '../launch/launch.ts';
import type { BuildStep, StepMount, StepOutcome, StepRunner } from './images/contract.ts';
import { oncePlan } from './run-once.ts';
import { hostPrivilege, userNamespace } from './rootless/privilege.ts';
import { requireMappedUser } from './rootless/user-mapping.ts';
import { defaultSeccomp } from './seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from './spec/capabilities.ts';
import { defaultSpec } from './spec/default-spec.ts';
import type { OciMount } from './spec/oci-spec.ts';
import { readEtc, resolveUser } from './user.ts';

/** What a step with a network reads its name servers and hosts from, where the host has them. */
const RESOLVER_FILES = ['/etc/resolv.conf', '/etc/hosts'];

/**
 * Runs RUN steps of image builds in containers with the default restrictions. 'host' and 'bridge' both use the host's
 * network (a build downloads; nothing connects to it); 'none' has its loopback only.
 */
export async function stepRunner(options: { cacheDir: string }): Promise<StepRunner> {
  const launcher = await ensureLauncher(options.cacheDir);
  return { run: (step) => runStep(launcher, step) };
}

async function runStep(launcher: string, step: BuildStep): Promise<StepOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tare-step-'));
  try {
    const namespace = userNamespace();
    const user = resolveUser(step.user, readEtc(step.layers, 'passwd'), readEtc(step.layers, 'group'));
    requireMappedUser(hostPrivilege(), user);
    const spec = defaultSpec({
      rootfs: folder,
      argv: step.argv,
      env: step.env.some((each) => each.startsWith('HOME=')) ? step.env : [...step.env, `HOME=${user.home}`],
      cwd: step.cwd,
      user,
      network: step.network === 'none' ? null : 'host',
      hostname: 'build',
      seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
      mounts: [...(step.network === 'none' ? [] : resolverMounts()), ...(step.mounts ?? []).map(mountOf)],
      cgroupMount: false,
      rootless: namespace !== null,
      ttyGroup: namespace?.setGroups !== false,
    });
    const plan = oncePlan({
      launcher,
      spec,
      overlay: { lower: step.layers, upper: step.upperDir, work: step.workDir },
      cgroup: null,
      namespace,
    });
    const launched = await startPlan({
      launcher,
      signal: step.signal,
      onOutput: step.onOutput,
      plan,
    });
    const exit = await launched.exited;
    return { exitCode: exit.exitCode, signal: exit.signal };
  } catch (error) {
    // A program that is not there is the step's failure, as a shell would report it.
    const cause = (error as { cause?: { operation?: string; errno?: number } }).cause;
    if (cause?.operation !== 'exec') throw error;
    step.onOutput(Buffer.from(`${(error as Error).message}\n`));
    return { exitCode: cause.errno === constants.errno.ENOENT ? 127 : 126, signal: null };
  } finally {
    openWorkFolder(step.workDir);
    rmSync(folder, { recursive: true, force: true });
  }
}

function mountOf(mount: StepMount): OciMount {
  const destination = mount.target;
  if (mount.type === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
    return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', ...size] };
  }
  return {
    destination,
    type: 'bind',
    source: mount.source,
    options: ['rbind', mount.writable ? 'rw' : 'ro'],
  };
}

/** overlayfs leaves its own folder closed even to its owner, which keeps an ordinary user from removing it. */
function openWorkFolder(workDir: string): void {
  const inner = join(workDir, 'work');
  if (existsSync(inner)) chmodSync(inner, 0o700);
}

/** Bound, not copied: the stubs they need as mount points are the build's to leave out of the layer. */
function resolverMounts(): OciMount[] {
  return RESOLVER_FILES.filter((path) => existsSync(path)).map((path) => ({
    destination: path,
    type: 'bind',
    source: path,
    options: ['bind', 'ro'],
  }));
}
