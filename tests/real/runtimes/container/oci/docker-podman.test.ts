import { execa } from 'execa';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { machinePaths } from '../../../../../harness/run/paths.ts';
import { ensureImage } from '../../../../../runtimes/image/ensure-image.ts';
import { suite } from '../../../../suite.ts';
import { RUNTIME, until } from './runtime-rig.ts';

const test = suite('Docker and Podman with our runtime, for real');
const folder = mkdtempSync('/var/tmp/tare-engines-');
const socket = `unix://${folder}/docker.sock`;
const tarball = join(folder, 'image.tar');
const CALL_LIMIT_MS = 30_000;
let daemon: ChildProcess | undefined;

interface Said {
  code: number | undefined;
  out: string;
  err: string;
}

async function call(argv: readonly string[], input = ''): Promise<Said> {
  const [file = '', ...rest] = argv;
  const result = await execa(file, rest, { reject: false, input, timeout: CALL_LIMIT_MS });
  return { code: result.exitCode, out: result.stdout, err: result.stderr };
}

const docker = (words: readonly string[], input?: string) =>
  call(['/usr/bin/docker', '-H', socket, ...words], input);
const inDocker = (...words: string[]) => docker(['run', '--rm', '--runtime', 'tare', ...words]);
const podman = (words: readonly string[], input?: string) =>
  call(
    [
      ...['podman', '--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run')],
      ...['--runtime', RUNTIME, '--cgroup-manager', 'cgroupfs', '--storage-driver', 'vfs'],
      ...['--events-backend', 'file', ...words],
    ],
    input,
  );
/** Without CAP_SYS_RESOURCE no limit may be raised, and Podman asks for a million of each. */
const LIMITS = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'none'];
const inPodman = (...words: string[]) => podman(['run', '--rm', ...LIMITS, ...words]);

/** The parents that the engines make for their containers, in every hierarchy, and leave behind. */
function engineCgroups(): string[] {
  return readdirSync('/sys/fs/cgroup').flatMap((hierarchy) =>
    ['docker', 'libpod_parent']
      .map((name) => join('/sys/fs/cgroup', hierarchy, name))
      .filter((path) => existsSync(path)),
  );
}
const cgroupsBefore = engineCgroups();

function removeEmpty(cgroup: string): void {
  for (const entry of readdirSync(cgroup, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(cgroup, entry.name));
  rmdirSync(cgroup);
}

const missing = ['/usr/sbin/dockerd', '/usr/bin/docker', '/usr/bin/podman', '/usr/bin/conmon'].filter(
  (file) => !existsSync(file),
);

function add(name: string, body: () => Promise<void>): void {
  if (missing.length > 0) test.skipBecause(`not installed: ${missing.join(', ')}`, name, body);
  else test(name, body);
}

test.before(async () => {
  if (missing.length > 0) return;
  const { rootfs } = await ensureImage(machinePaths().cacheDir, () => undefined);
  const without = ['./boot', './usr/lib/modules', './usr/share', './usr/lib/x86_64-linux-gnu/perl-base'];
  await execa('tar', ['-C', rootfs, ...without.flatMap((path) => ['--exclude', path]), '-cf', tarball, '.']);
  mkdirSync(join(folder, 'docker'));
  const log = openSync(join(folder, 'dockerd.log'), 'w');
  daemon = spawn(
    '/usr/sbin/dockerd',
    [
      ...['--data-root', join(folder, 'docker', 'data'), '--exec-root', join(folder, 'docker', 'exec')],
      ...['--pidfile', join(folder, 'docker', 'pid'), '--host', socket, '--add-runtime', `tare=${RUNTIME}`],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const answers = await until(async () => (await docker(['version'])).code === 0);
  if (!answers)
    throw new Error(`dockerd did not start:\n${readFileSync(join(folder, 'dockerd.log'), 'utf8')}`);
  assert.is((await docker(['import', tarball, 'mini'])).code, 0);
  assert.is((await podman(['import', tarball, 'mini'])).code, 0);
});

test.after(async () => {
  if (daemon) {
    const ended = new Promise((resolve) => daemon?.once('exit', resolve));
    daemon.kill('SIGTERM');
    await ended;
  }
  // Podman keeps its storage mounted on itself.
  await execa('umount', [join(folder, 'podman')], { reject: false });
  rmSync(folder, { recursive: true, force: true });
  for (const cgroup of engineCgroups()) if (!cgroupsBefore.includes(cgroup)) removeEmpty(cgroup);
});

add('docker run: hello, exit codes, input, what is not there', async () => {
  assert.equal(await inDocker('mini', 'echo', 'hello'), { code: 0, out: 'hello', err: '' });
  assert.is((await inDocker('mini', 'sh', '-c', 'exit 42')).code, 42);
  // With a network namespace of Docker's own making, its hook hands that over (also for a bridge).
  assert.is((await inDocker('--network', 'none', 'mini', 'ls', '/sys/class/net')).out, 'lo');
  assert.is((await docker(['run', '--rm', '-i', '--runtime', 'tare', 'mini', 'cat'], 'typed')).out, 'typed');
  const nothing = await inDocker('mini', 'no-such-program');
  assert.is(nothing.code, 127);
  assert.match(nothing.err, 'executable file not found in $PATH');
});

add('docker run: user, capabilities, read-only root, volumes, a terminal', async () => {
  assert.is((await inDocker('--user', '1000:1001', 'mini', 'id', '-u')).out, '1000');
  assert.match((await inDocker('mini', 'grep', 'CapEff', '/proc/self/status')).out, '00000000a80425fb');
  assert.match((await inDocker('mini', 'grep', 'Seccomp:', '/proc/self/status')).out, '2');
  assert.match(
    (await inDocker('--cap-drop', 'ALL', 'mini', 'grep', 'CapEff', '/proc/self/status')).out,
    '0000000000000000',
  );
  assert.match((await inDocker('--read-only', 'mini', 'touch', '/x')).err, 'Read-only file system');
  const volume = join(folder, 'volume');
  mkdirSync(volume);
  await inDocker('-v', `${volume}:/v`, 'mini', 'sh', '-c', 'echo kept > /v/file');
  assert.is(readFileSync(join(volume, 'file'), 'utf8'), 'kept\n');
  assert.match((await inDocker('-t', 'mini', 'tty')).out, '/dev/pts/0');
});

add('docker: exec, limits and their change, pause, top, logs, stop, start, kill', async () => {
  const limits = ['-m', '128m', '--cpus', '0.5', '--pids-limit', '30'];
  const script = 'echo started; exec sleep 300';
  await docker(['run', '-d', '--name', 'web', '--runtime', 'tare', ...limits, 'mini', 'sh', '-c', script]);
  assert.is((await docker(['exec', 'web', 'sh', '-c', 'exit 5'])).code, 5);
  for (let round = 0; round < 3; round++)
    assert.is((await docker(['exec', 'web', 'echo', 'quick'])).out, 'quick');
  assert.is((await docker(['exec', '-i', 'web', 'cat'], 'typed')).out, 'typed');
  const pids = async () =>
    (
      await docker([
        'exec',
        'web',
        'sh',
        '-c',
        'cat /sys/fs/cgroup/pids*/pids.max /sys/fs/cgroup/pids.max 2>/dev/null',
      ])
    ).out;
  assert.is(await pids(), '30');
  assert.is(
    (await docker(['update', '--pids-limit', '40', '-m', '256m', '--memory-swap', '512m', 'web'])).code,
    0,
  );
  assert.is(await pids(), '40');
  assert.is((await docker(['pause', 'web'])).code, 0);
  assert.match((await docker(['ps', '--format', '{{.Status}}'])).out, 'Paused');
  assert.is((await docker(['unpause', 'web'])).code, 0);
  assert.match((await docker(['top', 'web'])).out, 'sleep 300');
  assert.is((await docker(['logs', 'web'])).out, 'started');
  const ended = async () =>
    (await docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'web'])).out;
  await docker(['stop', '-t', '1', 'web']);
  assert.is(await ended(), 'exited 137');
  assert.is((await docker(['start', 'web'])).code, 0);
  assert.is(await ended(), 'running 0');
  await docker(['kill', '-s', 'KILL', 'web']);
  assert.ok(await until(async () => (await ended()) === 'exited 137'));
  assert.is((await docker(['rm', 'web'])).code, 0);
});

add('docker: a process killed for want of memory is reported as such', async () => {
  const hog = 'head -c 200m /dev/zero | tail | wc -c';
  await docker([
    'run',
    '--name',
    'hog',
    '--runtime',
    'tare',
    '-m',
    '32m',
    '--memory-swap',
    '32m',
    'mini',
    'sh',
    '-c',
    hog,
  ]);
  assert.is((await docker(['inspect', '-f', '{{.State.OOMKilled}}', 'hog'])).out, 'true');
  await docker(['rm', 'hog']);
});

add('podman run: hello, exit codes, a terminal, what is not there', async () => {
  assert.equal(await inPodman('mini', 'echo', 'hello'), { code: 0, out: 'hello', err: '' });
  assert.is((await inPodman('mini', 'sh', '-c', 'exit 42')).code, 42);
  assert.is((await inPodman('mini', 'no-such-program')).code, 127);
  assert.match((await inPodman('-t', 'mini', 'tty')).out, '/dev/pts/0');
});

add('podman: exec, limits, pause, logs, stop', async () => {
  const script = 'echo started; exec sleep 300';
  await podman(['run', '-d', '--name', 'web', ...LIMITS, '--pids-limit', '30', 'mini', 'sh', '-c', script]);
  assert.is((await podman(['exec', 'web', 'sh', '-c', 'exit 5'])).code, 5);
  const limit = 'cat /sys/fs/cgroup/pids*/pids.max /sys/fs/cgroup/pids.max 2>/dev/null';
  assert.is((await podman(['exec', 'web', 'sh', '-c', limit])).out, '30');
  const status = async () => (await podman(['ps', '-a', '--format', '{{.Status}}'])).out;
  await podman(['pause', 'web']);
  assert.match(await status(), 'Paused');
  await podman(['unpause', 'web']);
  assert.match(await status(), 'Up');
  assert.is((await podman(['logs', 'web'])).out, 'started');
  await podman(['stop', '-t', '1', 'web']);
  assert.match(await status(), 'Exited (137)');
  assert.is((await podman(['rm', 'web'])).code, 0);
});

test.run();
