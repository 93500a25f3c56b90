import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createCgroup, type Cgroup } from '../../../../runtimes/cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../../../../runtimes/cgroup/device-rules.ts';
import type { CgroupLimits } from '../../../../runtimes/cgroup/limits.ts';
import { containerRuntime } from '../../../../runtimes/container/container-runtime.ts';
import { runOnce } from '../../../../runtimes/container/run-once.ts';
import { defaultSeccomp } from '../../../../runtimes/container/seccomp/default-profile.ts';
import {
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  heldCapabilities,
} from '../../../../runtimes/container/spec/capabilities.ts';
import { defaultSpec, type SpecRequest } from '../../../../runtimes/container/spec/default-spec.ts';
import type { ExecResult } from '../../../../runtimes/contract.ts';
import { CLONE, MS } from '../../../../runtimes/launch/constants.ts';
import { runPlan } from '../../../../runtimes/launch/launch.ts';
import type { LaunchPlan, Op } from '../../../../runtimes/launch/ops.ts';
import { suite } from '../../../suite.ts';
import { openRig, type Rig } from './rig.ts';

/** The security list: each test fails when the guard it names is taken out. */
const test = suite('container security');
let rig: Rig;
let count = 0;
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

interface Box extends Partial<SpecRequest> {
  script?: string;
  /** Laid over the image: a folder of the test. */
  top?: string;
  limits?: CgroupLimits;
}

/** One container by the default policy, but for what the test changes; resolves with what its script printed. */
async function box(request: Box): Promise<ExecResult> {
  const folder = join(rig.scratchDir, `box-${count++}`);
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  const spec = defaultSpec({
    rootfs: join(folder, 'root'),
    argv: ['sh', '-c', request.script ?? 'true'],
    seccomp: defaultSeccomp(request.capabilities ?? DEFAULT_CAPABILITIES),
    ...request,
  });
  const lower = [rig.image.rootfs, ...(request.top ? [request.top] : [])];
  let cgroup: Cgroup | null = null;
  if (request.limits) {
    cgroup = createCgroup(rig.owner, `s${count}`, request.limits);
    cgroup.restrictDevices([DENY_ALL, ...DEFAULT_DEVICE_RULES]);
  }
  try {
    return await runOnce({
      launcher: rig.launcher,
      spec,
      overlay: { lower, upper: join(folder, 'upper'), work: join(folder, 'work') },
      cgroup,
      timeoutMs: 30_000,
    });
  } finally {
    await cgroup?.destroy();
  }
}

async function says(request: Box): Promise<string> {
  const result = await box(request);
  return (result.stdout + result.stderr).trim();
}

async function fails(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => assert.unreachable('it went through'),
    (error: Error) => error.message,
  ) as Promise<string>;
}

/** A plan in a mount namespace of its own, for guards that are single operations. */
function alone(...ops: Op[]): Promise<ExecResult> {
  const plan: LaunchPlan = [
    { op: 'unshare', flags: CLONE.NEWNS },
    { op: 'propagation', path: '/', flags: MS.PRIVATE | MS.REC },
    ...ops,
  ];
  return runPlan({ launcher: rig.launcher, plan });
}

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

test('the runtime cannot be overwritten through /proc/1/exe, even with every capability (CVE-2019-5736)', async () => {
  const before = hash(rig.launcher);
  const folder = join(rig.scratchDir, 'exe');
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true });
  const spec = defaultSpec({
    rootfs: join(folder, 'root'),
    // O_WRONLY | O_TRUNC asks the mount before it asks whether the file is executed just now.
    argv: ['perl', '-e', 'sysopen(F, "/proc/1/exe", 0x201) or print "$!"'],
    privileged: true,
    // All that this host's root has itself.
    capabilities: heldCapabilities(CAPABILITIES),
  });
  const { containerPlan } = await import('../../../../runtimes/container/plan/container-plan.ts');
  const { startPlan, diesWithUs } = await import('../../../../runtimes/launch/launch.ts');
  const { execPlan, ALL_NAMESPACES } = await import('../../../../runtimes/container/plan/exec-plan.ts');
  const { processStartTime } = await import('../../../../runtimes/sweep/owner.ts');
  const init = await startPlan({
    launcher: rig.launcher,
    plan: containerPlan(spec, {
      owner: diesWithUs(),
      overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
      attachOps: [],
      birthCgroup: null,
      network: { parent: [], inside: [] },
      seccomp: null,
      preserveFds: 0,
      main: 'init',
      before: [],
      beforeExec: [],
      terminal: [],
      hookState: '',
      isFolder: () => true,
      cgroupFolders: [],
      unified: false,
    }),
  });
  try {
    const container = {
      pid: init.pid,
      startTime: processStartTime(init.pid) ?? '',
      namespaces: ALL_NAMESPACES,
      joinOps: [],
    };
    const process = spec.process;
    assert.ok(process);
    const exec = await runPlan({
      launcher: rig.launcher,
      plan: execPlan(container, process, {
        owner: diesWithUs(),
        seccomp: null,
        preserveFds: 0,
        before: [],
        terminal: [],
        setGroups: true,
        birthCgroup: null,
      }),
    });
    // "Text file busy" would mean: wait until it ends, then write.
    assert.is(exec.stdout + exec.stderr, 'Read-only file system');
  } finally {
    await init.stop();
  }
  assert.is(hash(rig.launcher), before);
});

test('no descriptor is inherited', async () => {
  assert.is(await says({ script: 'ls /proc/self/fd | tr "\\n" " "' }), '0 1 2 3');
});

test('a working directory by descriptor is refused (CVE-2024-21626)', async () => {
  for (const fd of [3, 5, 7, 9])
    assert.match(
      await fails(box({ cwd: `/proc/self/fd/${fd}` })),
      /working directory|No such file|magic|levels/,
    );
  // The guard alone: a descriptor of the host's root that was left open on purpose.
  const message = await fails(
    alone(
      { op: 'open', slot: 1, path: '/var', flags: 0o200000, mode: 0 },
      { op: 'dup', slot: 1, fd: 200 },
      {
        op: 'bind',
        source: rig.image.rootfs,
        target: rig.image.rootfs,
        recursive: 1,
        set: 1,
        clear: 0,
        follow: 1,
      },
      { op: 'root', path: rig.image.rootfs },
      { op: 'bind', source: '/proc', target: '/proc', recursive: 0, set: 0, clear: 0, follow: 0 },
      { op: 'pivot-root' },
      { op: 'chdir', path: '/proc/self/fd/200' },
    ),
  );
  assert.match(message, /outside the root/);
});

test('a mount on a symbolic link out of the root stays inside (CVE-2021-30465)', async () => {
  const canary = join(rig.scratchDir, 'canary');
  const top = join(rig.scratchDir, 'top-link');
  const source = join(rig.scratchDir, 'volume');
  for (const folder of [canary, top, source]) mkdirSync(folder);
  writeFileSync(join(source, 'marked'), '');
  symlinkSync(canary, join(top, 'out'));
  symlinkSync('../../../../../../../../..', join(top, 'up'));
  const mounts = ['/out', `/up${canary}`].map((destination) => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind'],
  }));
  assert.is(await says({ top, mounts, script: `ls ${canary}` }), 'marked');
  assert.equal(readdirSync(canary), []);
});

test('a mount destination that changes while it is used stays inside, 10,000 times (CVE-2024-45310)', async () => {
  const canary = join(rig.scratchDir, 'race-canary');
  const root = join(rig.scratchDir, 'race-root');
  // The link's target exists inside as well, so that following it there is a success.
  for (const folder of [canary, join(root, 'vol/dir'), join(root, canary)])
    mkdirSync(folder, { recursive: true });
  symlinkSync(canary, join(root, 'vol/link'));
  const script = 'my ($a, $b) = @ARGV; while (1) { syscall(316, -100, $a, -100, $b, 2) == 0 or die $! }';
  const racer = spawn('perl', ['-e', script, join(root, 'vol/dir'), join(root, 'vol/link')], {
    stdio: 'ignore',
  });
  try {
    for (let batch = 0; batch < 4; batch++) {
      const tries: Op[] = Array.from({ length: 2500 }, (_, index) => [
        { op: 'mkdir', path: `/vol/dir/d${batch}-${index}`, mode: 0o755, follow: 1 } as const,
        { op: 'mkdir', path: '/vol/dir/same', mode: 0o755, follow: 1 } as const,
      ]).flat();
      await alone({ op: 'root', path: root }, ...tries).catch((error: Error) => {
        // A component that vanished between two looks is an honest refusal.
        assert.match(error.message, /No such file|File exists/);
      });
    }
    assert.is(racer.exitCode, null);
  } finally {
    racer.kill('SIGKILL');
  }
  assert.equal(readdirSync(canary), []);
  assert.ok(readdirSync(join(root, canary)).length > 0, 'the race was never on');
});

test('masking refuses a /dev/null that is not the null device (CVE-2025-31133)', async () => {
  const fake = join(rig.scratchDir, 'fake-null');
  writeFileSync(fake, 'secret');
  const root = join(rig.scratchDir, 'mask-root');
  mkdirSync(root);
  writeFileSync(join(root, 'victim'), '');
  const message = await fails(
    alone(
      { op: 'bind', source: fake, target: '/dev/null', recursive: 0, set: 0, clear: 0, follow: 0 },
      { op: 'root', path: root },
      { op: 'mask', path: '/victim' },
    ),
  );
  assert.match(message, /masking \/victim: .*not the null device/);
});

test('a terminal is refused from a /dev/pts that is not a devpts (CVE-2025-52565)', async () => {
  const root = join(rig.scratchDir, 'pts-root');
  mkdirSync(join(root, 'dev/pts'), { recursive: true });
  writeFileSync(join(root, 'dev/pts/ptmx'), '');
  const pty: Op = { op: 'pty', masterSlot: 1, slaveSlot: 2, rows: 0, columns: 0 };
  assert.match(await fails(alone({ op: 'root', path: root }, pty)), /not a devpts/);
});

test('a kernel parameter is written to a real /proc only (CVE-2019-19921, CVE-2025-52881)', async () => {
  const root = join(rig.scratchDir, 'proc-root');
  mkdirSync(join(root, 'proc/sys/net'), { recursive: true });
  writeFileSync(join(root, 'proc/sys/net/x'), 'before');
  const write: Op = { op: 'write-proc', path: '/proc/sys/net/x', text: '1' };
  assert.match(await fails(alone({ op: 'root', path: root }, write)), /not on a proc file system/);
  assert.is(readFileSync(join(root, 'proc/sys/net/x'), 'utf8'), 'before');
  symlinkSync('/proc', join(root, 'link'));
  assert.match(
    await fails(alone({ op: 'root', path: root }, { ...write, path: '/link/sys/net/x' })),
    /levels of symbolic links/,
  );
});

for (const name of ['dev', 'proc', 'sys']) {
  test(`an image whose /${name} is a symbolic link is refused, the host untouched (CVE-2026-41579)`, async () => {
    const top = join(rig.scratchDir, `top-${name}`);
    mkdirSync(top);
    symlinkSync('/etc', join(top, name));
    const before = readdirSync('/etc').length;
    assert.match(
      await fails(box({ top })),
      new RegExp(`/${name}.*(levels of symbolic links|Not a directory)`),
    );
    assert.is(readdirSync('/etc').length, before);
  });
}

test('our sleeping init cannot be looked into from the inside (CVE-2016-9962)', async () => {
  const instance = await rig.start(containerRuntime, 'dump', {});
  try {
    const result = await instance.exec(['sh', '-c', 'readlink -v /proc/1/exe; cat /proc/1/environ']);
    assert.is(result.stdout, '');
    assert.is(result.stderr.match(/Permission denied/g)?.length, 2, result.stderr);
  } finally {
    await instance.destroy();
  }
});

test('capabilities inside are exactly those granted; no_new_privs and the filter hold', async () => {
  const status = await says({
    script: 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr "\\t\\n" "= "',
  });
  const set = '00000000a80425fb';
  const none = '0000000000000000';
  assert.is(
    status,
    `CapInh:=${none} CapPrm:=${set} CapEff:=${set} CapBnd:=${set} CapAmb:=${none} NoNewPrivs:=1 Seccomp:=2`,
  );
  const user = await says({
    user: { uid: 1000, gid: 1000, additionalGids: [1001] },
    script: 'id -u; id -G; grep -E "^Cap(Prm|Eff)" /proc/self/status | tr "\\t\\n" "= "',
  });
  assert.is(user, `1000\n1000 1001\nCapPrm:=${none} CapEff:=${none}`);
});

/** Calls by number on x86-64, so that no library stands between; prints 0 or the errno. */
const call = (...numbers: (number | string)[]): string =>
  `perl -e '$! = 0; @a = (${numbers.join(', ')}); $r = syscall(shift @a, @a); print $r == -1 ? $! + 0 : 0'`;
const EPERM = '1';

test('the filter refuses new namespaces, mounts, keyrings, tracing and modules', async () => {
  if (process.arch !== 'x64') return;
  const calls: Record<string, string> = {
    'unshare(user)': call(272, 0x10000000),
    'clone(user)': call(56, 0x10000000 + 17, 0, 0, 0, 0),
    mount: call(165, '"none"', '"/mnt"', '"tmpfs"', 0, 0),
    keyctl: call(250, 0, 0),
    bpf: call(321, 0, 0, 0),
    io_uring_setup: call(425, 1, 0),
  };
  for (const [name, script] of Object.entries(calls)) assert.is(await says({ script }), EPERM, name);
  // Without the filter the first one goes through: it is the filter that refuses.
  assert.is(await says({ script: call(272, 0x10000000), seccomp: null }), '0');
});

test('masked files read empty, kernel parameters and /sys cannot be written, mounts cannot be undone', async () => {
  const script = `
    wc -c < /proc/interrupts; wc -c < /proc/timer_list; ls /proc/acpi | wc -l
    echo x > /proc/sys/kernel/hostname; echo x > /proc/irq/default_smp_affinity; touch /proc/acpi/x
    ${call(166, '"/proc/interrupts"', 2)}`;
  const said = await says({ script, seccomp: null });
  assert.match(said, /^0\n0\n0\n1/, said);
  assert.is(said.match(/Read-only file system/g)?.length, 3, said);
});

test('a read-only root cannot be written, its volumes can', async () => {
  const source = join(rig.scratchDir, 'rw-volume');
  mkdirSync(source);
  const said = await says({
    readonlyRoot: true,
    mounts: [{ destination: '/data', type: 'bind', source, options: ['rbind'] }],
    script: 'touch /usr/x; touch /data/y && ls /data',
  });
  assert.match(said, /Read-only file system/);
  assert.equal(readdirSync(source), ['y']);
});

test('a setuid program on a nosuid volume gives nothing, and no_new_privs takes it everywhere', async () => {
  const source = join(rig.scratchDir, 'suid');
  mkdirSync(source);
  await execa('cp', ['/usr/bin/id', source]);
  await execa('chmod', ['4755', join(source, 'id')]);
  const run = (options: string[], noNewPrivileges: boolean): Promise<string> =>
    says({
      user: { uid: 1000, gid: 1000 },
      noNewPrivileges,
      seccomp: null,
      mounts: [{ destination: '/mnt', type: 'bind', source, options }],
      script: '/mnt/id -u',
    });
  assert.is(await run(['bind'], false), '0');
  assert.is(await run(['bind', 'nosuid'], false), '1000');
  assert.is(await run(['bind'], true), '1000');
});

test('a device of the host can be named but not opened', async () => {
  const script =
    'mknod /disk b 254 0 && head -c1 /disk; mknod /fuse c 10 229 && head -c1 /fuse; head -c1 /dev/zero | wc -c';
  const said = await says({ script, limits: { memoryMiB: 256 } });
  assert.is(said.match(/Operation not permitted/g)?.length, 2, said);
  assert.match(said, /^1$/m);
});

test('a fork bomb stops at the pids limit', async () => {
  const script = 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo never';
  const said = await says({ script, limits: { pids: 20 } });
  assert.match(said, /(Cannot fork|Resource temporarily unavailable)/);
});

test('a memory hog is killed alone and the cgroup says so', async () => {
  const cgroup = createCgroup(rig.owner, 'oom', { memoryMiB: 64 });
  try {
    const result = await runOnce({
      launcher: rig.launcher,
      spec: defaultSpec({
        rootfs: join(rig.scratchDir, 'oom-root'),
        argv: ['sh', '-c', `perl -e '$x = "a" x (200 << 20)'; echo "after: $?"`],
      }),
      overlay: {
        lower: [rig.image.rootfs],
        upper: mkdirp(join(rig.scratchDir, 'oom-upper')),
        work: mkdirp(join(rig.scratchDir, 'oom-work')),
      },
      cgroup,
    });
    assert.match(result.stdout, /after: 137/);
    assert.is(cgroup.oomKills(), 1);
  } finally {
    await cgroup.destroy();
  }
});

test('user remapping: root inside is nobody outside, and setgroups is denied for a single id', async () => {
  const folder = mkdirp(join(rig.scratchDir, 'userns'));
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name));
  // The inside's root must get there, and the upper layer belongs to it.
  await execa('chmod', ['755', rig.scratchDir]);
  for (const name of ['', 'upper', 'work', 'root'])
    await execa('chown', ['100000:100000', join(folder, name)]);
  const remapped = (size: number): Promise<ExecResult> =>
    runOnce({
      launcher: rig.launcher,
      spec: defaultSpec({
        rootfs: join(folder, 'root'),
        argv: [
          'sh',
          '-c',
          'id -u; cat /proc/self/uid_map /proc/self/setgroups | tr -s " "; touch /made; ls /dev/null',
        ],
        mappings: {
          uid: [{ containerID: 0, hostID: 100000, size }],
          gid: [{ containerID: 0, hostID: 100000, size }],
        },
        ttyGroup: size > 5,
        cgroupMount: false,
      }),
      overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
      cgroup: null,
    });
  const many = await remapped(65536);
  assert.is(many.stdout, '0\n 0 100000 65536\nallow\n/dev/null\n', many.stderr);
  assert.is((await execa('stat', ['-c', '%u', join(folder, 'upper/made')])).stdout, '100000');
  const one = await remapped(1);
  assert.match(one.stdout, /deny/);
});

function mkdirp(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

test.run();
