import { execa } from 'execa';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createCgroup } from '../../../runtimes/cgroup/cgroup.ts';
import { compileSeccomp } from '../../../runtimes/container/seccomp/compile.ts';
import { defaultSeccomp } from '../../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../../runtimes/container/spec/capabilities.ts';
import type { OciSpec } from '../../../runtimes/container/spec/oci-spec.ts';
import { folders, has, LIMITS, must, nextNumber, specOf, type BenchRig, type Contender } from './rig.ts';

/** The C floor, without and with a cgroup. */
export function floors(rig: BenchRig): Contender[] {
  const filter = join(rig.scratch, 'filter.bpf');
  writeFileSync(filter, compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES)).program);
  const run = async (limited: boolean): Promise<void> => {
    const { upper, work, root, path } = folders(rig);
    const cgroup = limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
    const argv = [rig.rootfs, upper, work, root, filter, ...(cgroup?.folders ?? []), '--', '/bin/true'];
    await must(rig.floor, argv);
    await cgroup?.destroy();
    rmSync(path, { recursive: true, force: true });
  };
  return [
    { name: 'C floor', run: () => run(false) },
    { name: 'C floor + cgroup', run: () => run(true) },
  ];
}

/** runc, crun and bubblewrap, as many as are installed. */
export async function others(rig: BenchRig): Promise<Contender[]> {
  const list: Contender[] = [];
  for (const tool of ['runc', 'crun']) {
    if (!(await has(tool))) continue;
    const bundle = makeBundle(rig, tool);
    const argv = ['--root', join(rig.scratch, `${tool}-state`), 'run', '-b', bundle];
    list.push({ name: `${tool} + cgroup`, run: () => must(tool, [...argv, `tare-b${nextNumber()}`]) });
  }
  if (await has('bwrap')) {
    const view = ['--bind', rig.rootfs, '/', '--proc', '/proc', '--dev', '/dev'];
    list.push({
      name: 'bwrap --unshare-all',
      run: () => must('bwrap', ['--unshare-all', ...view, '/bin/true']),
    });
  }
  return list;
}

/** A bundle with the same policy and limits; its root is the plain tree, so no overlay is asked of the others. */
function makeBundle(rig: BenchRig, tool: string): string {
  const bundle = join(rig.scratch, `${tool}-bundle`);
  mkdirSync(bundle, { recursive: true });
  const config = specOf(rig.rootfs, true);
  const resources = {
    cpu: { shares: LIMITS.cpuShares },
    memory: { limit: LIMITS.memoryMiB << 20 },
    pids: { limit: LIMITS.pids },
    devices: [{ allow: false, access: 'rwm' }],
  };
  const linux = { ...config.linux, resources, cgroupsPath: undefined };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...config, ociVersion: '1.0.2', linux }));
  return bundle;
}

/** exec of /bin/true by the others in a container that runs already; `cleanUp` gets what ends it. */
export async function othersExec(rig: BenchRig, cleanUp: (() => Promise<void>)[]): Promise<Contender[]> {
  const list: Contender[] = [];
  for (const tool of ['runc', 'crun']) {
    if (!(await has(tool))) continue;
    const bundle = makeBundle(rig, `${tool}-exec`);
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as OciSpec;
    const sleeping = { ...config, process: { ...config.process, args: ['sleep', '3600'] } };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(sleeping));
    const root = ['--root', join(rig.scratch, `${tool}-state`)];
    const id = `tare-x${nextNumber()}`;
    // Its output is not ours to wait for: the container keeps what it is given.
    await execa(tool, [...root, 'run', '-d', '-b', bundle, id], { stdio: 'ignore' });
    cleanUp.push(async () => {
      await execa(tool, [...root, 'delete', '-f', id], { reject: false });
    });
    list.push({ name: `${tool} exec`, run: () => must(tool, [...root, 'exec', id, '/bin/true']) });
  }
  return list;
}
