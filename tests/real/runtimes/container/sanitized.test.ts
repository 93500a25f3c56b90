import { execa } from 'execa';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { machinePaths } from '../../../../harness/run/paths.ts';
import { packagePath } from '../../../../results/package-root.ts';
import { createCgroup } from '../../../../runtimes/cgroup/cgroup.ts';
import { containerRuntime } from '../../../../runtimes/container/container-runtime.ts';
import { runOnce } from '../../../../runtimes/container/run-once.ts';
import { defaultSeccomp } from '../../../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../../../runtimes/container/spec/capabilities.ts';
import { defaultSpec, type SpecRequest } from '../../../../runtimes/container/spec/default-spec.ts';
import type { ExecResult } from '../../../../runtimes/contract.ts';
import { ensureLauncher } from '../../../../runtimes/launch/ensure-launcher.ts';
import { runPlan } from '../../../../runtimes/launch/launch.ts';
import type { LaunchPlan, Op } from '../../../../runtimes/launch/ops.ts';
import { suite } from '../../../suite.ts';
import { openRig, type Rig } from './rig.ts';

/**
 * The launcher under the address and undefined-behaviour sanitizers, playing what the product plays. A report ends a
 * process with 99 instead of what it should end with, so every exit code below is a check; a leak does so too, in every
 * process that the detector may trace. What follows the exec is the program's and not watched.
 */
const test = suite('the launcher under sanitizers');
const variants = packagePath('tests', 'real', 'runtimes', 'container', 'launcher-variants');
const REPORT = 99;
const cacheDir = mkdtempSync('/var/tmp/tare-sanitized-');
let rig: Rig;
let launcher = '';
let count = 0;

test.before(async () => {
  rig = await openRig();
  launcher = await ensureLauncher(cacheDir, {
    sanitize: true,
    flags: [join(variants, 'sanitizer-options.c')],
  });
  // A cache in which the product finds this launcher under the name of its own.
  const usual = basename(await ensureLauncher(machinePaths().cacheDir));
  copyFileSync(launcher, join(cacheDir, 'programs', usual));
  symlinkSync(join(machinePaths().cacheDir, 'images'), join(cacheDir, 'images'));
});
test.after(() => {
  rig.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

async function box(request: Partial<SpecRequest>, script: string): Promise<ExecResult> {
  const folder = join(rig.scratchDir, `san-${count++}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  const cgroup = createCgroup(rig.owner, `san${count}`, { memoryMiB: 256, pids: 50 });
  try {
    return await runOnce({
      launcher,
      spec: defaultSpec({
        rootfs: join(folder, 'root'),
        argv: ['sh', '-c', script],
        seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
        ...request,
      }),
      overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
      cgroup,
      timeoutMs: 60_000,
    });
  } finally {
    await cgroup.destroy();
  }
}

test('the control: a launcher with a defect is caught', async () => {
  const broken = await ensureLauncher(cacheDir, {
    sanitize: true,
    flags: ['-DBREAK_IT', '-Wno-stringop-overflow', join(variants, 'sanitizer-options.c')],
  });
  const result = await runPlan({
    launcher: broken,
    plan: [{ op: 'exec', argv: ['/bin/true'], env: [], search: 0 }],
  });
  assert.is(result.exitCode, REPORT);
  assert.match(result.stderr, /(AddressSanitizer: heap-buffer-overflow|runtime error: )/);
});

test('a default container, with its cgroup, filter, volumes and read-only root', async () => {
  const source = join(rig.scratchDir, 'san-volume');
  mkdirSync(source);
  const mounts = [
    { destination: '/deep/er/data', type: 'bind', source, options: ['rbind', 'rro'] },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'mode=1777'] },
  ];
  const user = { uid: 1000, gid: 1000, additionalGids: [5, 6] };
  const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }];
  const sysctl = { 'net.ipv4.ip_forward': '1' };
  const said = await box({ mounts, user, rlimits, sysctl, readonlyRoot: true }, 'id -u; ulimit -n; exit 3');
  assert.equal([said.stdout, said.stderr, said.exitCode], ['1000\n64\n', '', 3]);
});

test('a container in a user namespace', async () => {
  await execa('chmod', ['755', rig.scratchDir]);
  const map = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const folder = join(rig.scratchDir, `san-${count}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['', 'upper', 'work', 'root'])
    await execa('chown', ['100000:100000', join(folder, name)]);
  const said = await box({ mappings: { uid: map, gid: map }, cgroupMount: false }, 'id -u; exit 4');
  assert.equal([said.stdout, said.stderr, said.exitCode], ['0\n', '', 4]);
});

test('programs that are not there, and operations that fail, before a clone and after it', async () => {
  const clone: Op = { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 };
  const fails = async (...plan: Op[]): Promise<string> =>
    runPlan({ launcher, plan }).then(
      (result) => `${result.exitCode} ${result.stderr}`,
      (error: Error) => error.message,
    );
  const exec = (path: string): Op => ({
    op: 'exec',
    argv: [path],
    env: ['PATH=/nowhere:/usr/bin'],
    search: 1,
  });
  for (const before of [[], [clone]]) {
    assert.match(
      await fails(...before, exec('no-such-program')),
      /^127 executing no-such-program: No such file/,
    );
    assert.match(await fails(...before, exec('/etc/passwd')), /^126 .*Permission denied/);
    assert.match(await fails(...before, { op: 'chdir', path: '/no/such/place' }), /No such file/);
    assert.match(await fails(...before, { op: 'root', path: '/etc/passwd' }), /Not a directory/);
    assert.match(await fails(...before, { op: 'dup', slot: 31, fd: 9 }), /no such slot/);
    assert.match(
      await fails(...before, { op: 'mkdir', path: `/${'x/'.repeat(3000)}`, mode: 0o755, follow: 0 }),
      /too long/i,
    );
  }
  const bytes = Buffer.from('TAREPLN1 and nothing that follows from it');
  const refused = await execa(launcher, ['--check'], { input: bytes, reject: false });
  assert.equal([refused.exitCode, /^refused: /.test(refused.stdout)], [1, true]);
  const table = await execa(launcher, ['--operations'], { reject: false });
  assert.is(table.exitCode, 0);
});

test('a plan that ends without a program leaks nothing', async () => {
  const plan: LaunchPlan = [
    { op: 'open', slot: 1, path: '/etc/passwd', flags: 0, mode: 0 },
    { op: 'pipe', readSlot: 2, writeSlot: 3 },
    {
      op: 'run',
      file: '/bin/sh',
      argv: ['sh', '-c', 'cat >&2'],
      env: [],
      stdin: 'hook @PID@\n',
      timeoutS: 5,
    },
    { op: 'report', words: 'here' },
  ];
  const result = await runPlan({ launcher, plan });
  assert.equal([result.exitCode, result.stderr], [0, 'hook 0\n']);
});

test('the arm: sleeping init, network, exec with input, out of memory, exit codes', async () => {
  const context = {
    owner: rig.owner,
    cacheDir,
    scratchDir: rig.scratchDir,
    resources: { cpus: 1, memoryMiB: 256, cpuset: [1], housekeeping: [0] },
    signal: new AbortController().signal,
    log: () => undefined,
  };
  const prepared = await containerRuntime.prepare(rig.image, {}, context);
  const arm = await prepared.start('san-arm', context.resources);
  try {
    const net = await arm.exec(['sh', '-c', 'ip -4 -o addr show eth0 | wc -l; exit 5'], {
      timeoutMs: 30_000,
    });
    assert.equal([net.stdout, net.stderr, net.exitCode], ['1\n', '', 5]);
    assert.is((await arm.exec(['cat'], { stdin: 'in', timeoutMs: 30_000 })).stdout, 'in');
    assert.is((await arm.exec(['no-such'], { timeoutMs: 30_000 })).exitCode, 127);
    const hog = await arm.exec(['perl', '-e', '$x = "a" x (600 << 20)'], { timeoutMs: 60_000 });
    assert.is(hog.signal, 'SIGKILL');
  } finally {
    await arm.destroy();
  }
});

test('a supervised container with a terminal: run, exec, logs, stop', async () => {
  const name = `tare-san-${process.pid}`;
  const bench = (...argv: string[]) =>
    execa(process.execPath, ['--import', 'tsx', packagePath('harness/cli/main.ts'), 'container', ...argv], {
      cwd: packagePath(),
      env: { TARE_CACHE: cacheDir },
      reject: false,
      stdin: 'ignore',
      timeout: 60_000,
    });
  const script = 'trap "echo stopping; exit 7" TERM; tty; echo ready; while :; do sleep 0.1; done';
  const begun = await bench(
    'run',
    '-d',
    '-t',
    '--network',
    'none',
    '--name',
    name,
    'tare/guest',
    'sh',
    '-c',
    script,
  );
  try {
    assert.equal([begun.exitCode, begun.stderr], [0, '']);
    const exec = await bench('exec', name, 'sh', '-c', 'echo from exec; exit 6');
    assert.equal([exec.exitCode, exec.stdout], [6, 'from exec'], exec.stderr);
    assert.is((await bench('stop', '-t', '10', name)).exitCode, 0);
    assert.is((await bench('wait', name)).stdout, '7');
    assert.match((await bench('logs', name)).stdout, /\/dev\/pts\/0[\s\S]*ready[\s\S]*stopping/);
  } finally {
    await bench('rm', '-f', name);
  }
});

test.run();
