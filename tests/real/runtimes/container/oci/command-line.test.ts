import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { hierarchies, hostLayout } from '../../../../../runtimes/cgroup/layout.ts';
import { suite } from '../../../../suite.ts';
import { openRuntimeRig, until, type RuntimeRig } from './runtime-rig.ts';

const test = suite('the OCI command line, for real');
let rig: RuntimeRig;
test.before(async () => {
  rig = await openRuntimeRig();
});
test.afterEach(async () => {
  for (const id of (await rig.call(['list', '--quiet'])).out.split('\n').filter(Boolean))
    await rig.call(['delete', '-f', id]);
});
test.after(() => rig.close());

const argv = (words: string[]) => rig.config((spec) => void (spec.process!.args = words));
const cgroups = () => hierarchies(hostLayout()).filter((mount) => existsSync(join(mount, 'tare-oci', 'web')));

test('run: output, input, exit code; nothing is left', async () => {
  argv(['sh', '-c', 'read word; echo "out $word"; echo err >&2; exit 42']);
  const said = await rig.call(['run', '--bundle', rig.bundle, 'web'], 'in\n');
  assert.equal(said, { code: 42, out: 'out in\n', err: 'err\n' });
  assert.is((await rig.call(['list', '--format', 'json'])).out.trim(), '[]');
  assert.equal(cgroups(), []);
});

test('create, start, kill, delete: each state in its order, and the words for what is out of order', async () => {
  argv(['sleep', '100']);
  const pidFile = join(rig.folder, 'pid');
  assert.is((await rig.call(['create', '-b', rig.bundle, '--pid-file', pidFile, 'web'])).code, 0);
  assert.is(await rig.status('web'), 'created');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  assert.not.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep');
  assert.match(
    (await rig.call(['create', '-b', rig.bundle, 'web'])).err,
    'container with given ID already exists',
  );
  assert.is((await rig.call(['start', 'web'])).code, 0);
  assert.is(await rig.status('web'), 'running');
  assert.ok(await until(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep')));
  assert.match((await rig.call(['start', 'web'])).err, 'cannot start a container that is running');
  assert.match((await rig.call(['delete', 'web'])).err, 'that is not stopped: running');
  assert.is((await rig.call(['kill', 'web', 'KILL'])).code, 0);
  assert.ok(await until(async () => (await rig.status('web')) === 'stopped'));
  assert.match((await rig.call(['kill', 'web'])).err, 'container not running');
  assert.is((await rig.call(['delete', 'web'])).code, 0);
  const gone = await rig.call(['state', 'web']);
  assert.is(gone.code, 1);
  assert.match(gone.err, 'container "web" does not exist');
  assert.is((await rig.call(['delete', '--force', 'web'])).code, 0);
  assert.equal(cgroups(), []);
});

test('a program that is not there is an error of create, in words and in the log, and nothing is left', async () => {
  argv(['no-such-program']);
  const log = join(rig.folder, 'log');
  const said = await rig.call([
    ...[
      '--log',
      log,
      '--log-format',
      'json',
      '--debug',
      '--systemd-cgroup',
      '--rootless',
      'false',
      '--criu',
      'criu',
    ],
    ...['create', '--no-pivot', '--no-new-keyring', '-b', rig.bundle, 'web'],
  ]);
  assert.is(said.code, 1);
  assert.match(said.err, 'executable file not found in $PATH');
  const line = JSON.parse(readFileSync(log, 'utf8').trim()) as { level: string; msg: string };
  assert.is(line.level, 'error');
  assert.match(line.msg, 'exec: "no-such-program": executable file not found in $PATH');
  assert.equal(cgroups(), []);
  assert.match((await rig.call(['state', 'web'])).err, 'does not exist');
});

test('an operation that fails is named with its reason', async () => {
  rig.config((spec) => {
    spec.mounts = [...(spec.mounts ?? []), { destination: '/data', type: 'no-such-fs', source: 'x' }];
  });
  const said = await rig.call(['run', '-b', rig.bundle, 'web']);
  assert.is(said.code, 1);
  assert.match(said.err, 'mounting no-such-fs on /data: No such device');
  assert.equal(cgroups(), []);
});

test('exec: words and a process file, exit codes, user, folder, environment, detached', async () => {
  argv(['sleep', '100']);
  await rig.call(['run', '--detach', '-b', rig.bundle, 'web']);
  assert.equal(await rig.call(['exec', 'web', 'sh', '-c', 'exit 7']), { code: 7, out: '', err: '' });
  const told = await rig.call([
    'exec',
    '--cwd',
    '/tmp',
    '--env',
    'A=b c',
    '--user',
    '1000:1001',
    'web',
    'sh',
    '-c',
    'id -u; id -g; pwd; echo $A',
  ]);
  assert.is(told.out, '1000\n1001\n/tmp\nb c\n');
  const file = join(rig.folder, 'process.json');
  writeFileSync(
    file,
    JSON.stringify({ args: ['cat'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } }),
  );
  assert.equal(await rig.call(['exec', '--process', file, 'web'], 'from stdin'), {
    code: 0,
    out: 'from stdin',
    err: '',
  });
  const pidFile = join(rig.folder, 'exec-pid');
  assert.is((await rig.call(['exec', '--detach', '--pid-file', pidFile, 'web', 'sleep', '50'])).code, 0);
  const pid = readFileSync(pidFile, 'utf8');
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^NSpid:\t\d+\t\d+$/m);
  assert.match((await rig.call(['exec', 'web', 'nix'])).err, 'exec: "nix": executable file not found');
  assert.match((await rig.call(['exec', '--tty', 'web', 'sh'])).err, 'no --console-socket');
});

test('a detached exec that ends at once is somebody’s child to reap, every time', async () => {
  argv(['sleep', '100']);
  await rig.call(['run', '-d', '-b', rig.bundle, 'web']);
  const mark = join(rig.folder, 'mark');
  for (let round = 0; round < 5; round++) {
    assert.is((await rig.call(['exec', '-d', '--pid-file', mark, 'web', 'true'])).code, 0);
    const pid = readFileSync(mark, 'utf8');
    assert.ok(await until(() => !existsSync(`/proc/${pid}`)), 'init did not get it');
  }
});

test('ps, pause and resume', async () => {
  argv(['sleep', '100']);
  await rig.call(['run', '-d', '-b', rig.bundle, 'web']);
  const pids = JSON.parse((await rig.call(['ps', '--format', 'json', 'web'])).out) as number[];
  assert.is(pids.length, 1);
  assert.match((await rig.call(['ps', 'web', '-e', '-o', 'pid,comm'])).out, `${pids[0]} sleep`);
  assert.is((await rig.call(['pause', 'web'])).code, 0);
  assert.is(await rig.status('web'), 'paused');
  assert.match((await rig.call(['exec', 'web', 'true'])).err, 'cannot exec in a container that is paused');
  assert.match((await rig.call(['pause', 'web'])).err, 'cannot pause a container that is paused');
  assert.is((await rig.call(['resume', 'web'])).code, 0);
  assert.is(await rig.status('web'), 'running');
  await rig.call(['pause', 'web']);
  assert.is((await rig.call(['delete', '--force', 'web'])).code, 0);
});

test('limits at create, changed by update, seen inside and in the events', async () => {
  rig.config((spec) => {
    spec.process!.args = ['sleep', '100'];
    spec.linux!.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } };
  });
  await rig.call(['run', '-d', '-b', rig.bundle, 'web']);
  const stats = async () =>
    JSON.parse((await rig.call(['events', '--stats', 'web'])).out) as {
      type: string;
      data: { memory: { usage: { limit: number } }; pids: { current: number; limit: number } };
    };
  const first = await stats();
  assert.is(first.type, 'stats');
  assert.equal([first.data.memory.usage.limit, first.data.pids], [64 << 20, { current: 1, limit: 20 }]);
  const flags = {
    '--memory': 128 << 20,
    '--memory-swap': 128 << 20,
    '--memory-reservation': 32 << 20,
    '--cpu-shares': 512,
    '--cpu-quota': 50_000,
    '--cpu-period': 100_000,
    '--cpuset-cpus': 0,
    '--cpuset-mems': 0,
    '--pids-limit': 30,
    '--blkio-weight': 500,
  };
  const words = Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
  assert.is((await rig.call(['update', ...words, 'web'])).code, 0);
  const second = await stats();
  assert.equal([second.data.memory.usage.limit, second.data.pids.limit], [128 << 20, 30]);
  const json = JSON.stringify({ pids: { limit: 40 } });
  assert.is((await rig.call(['update', '--resources', '-', 'web'], json)).code, 0);
  assert.is((await stats()).data.pids.limit, 40);
  assert.is((await rig.call(['exec', 'web', 'nproc'])).out, '1\n');
});

test('events go on until the container ends', async () => {
  argv(['sleep', '0.8']);
  await rig.call(['run', '-d', '-b', rig.bundle, 'web']);
  const { out, code } = await rig.call(['events', '--interval', '0.2s', 'web']);
  assert.is(code, 0);
  assert.ok(out.trim().split('\n').length >= 2, out);
});

test('without criu, checkpoint says how to get it, and restore leaves nothing', async () => {
  argv(['sleep', '100']);
  assert.is((await rig.call(['run', '-d', '-b', rig.bundle, 'web'])).code, 0);
  const said = await rig.call(['--criu', '/nowhere/criu', 'checkpoint', 'web']);
  assert.is(said.code, 1);
  assert.match(said.err, /there is none \(\/nowhere\/criu\).*apt-get install/);
  assert.is(await rig.status('web'), 'running');
  const back = await rig.call(['--criu', '/nowhere/criu', 'restore', '--detach', '-b', rig.bundle, 'other']);
  assert.match(back.err, 'there is none');
  assert.match((await rig.call(['restore', '-b', rig.bundle, 'other'])).err, '--detach');
  assert.match((await rig.call(['state', 'other'])).err, 'does not exist');
});

test('hooks run at their times, by their own first word, told the state', async () => {
  const trail = join(rig.folder, 'trail');
  const hook = (name: string) => ({
    path: '/bin/sh',
    args: [
      `as-${name}`,
      '-c',
      `printf '%s %s\\n' "$0" "$(sed 's/.*"status":"\\([a-z]*\\)".*"pid":\\([0-9]\\).*/\\1 \\2/')" >> ${trail}`,
    ],
  });
  rig.config((spec) => {
    spec.hooks = Object.fromEntries(
      ['prestart', 'createRuntime', 'poststart', 'poststop'].map((name) => [name, [hook(name)]]),
    );
  });
  assert.is((await rig.call(['run', '-b', rig.bundle, 'web'])).code, 0);
  const lines = readFileSync(trail, 'utf8').trim().split('\n');
  assert.equal(
    lines.map((line) => line.replace(/ \d.*/, '')),
    ['as-prestart creating', 'as-createRuntime creating', 'as-poststart running', 'as-poststop stopped'],
  );
  assert.match(lines[0]!, /creating [1-9]/);
});

test('a failing hook of the creation takes everything back', async () => {
  rig.config((spec) => void (spec.hooks = { createRuntime: [{ path: '/bin/false' }] }));
  const said = await rig.call(['create', '-b', rig.bundle, 'web']);
  assert.is(said.code, 1);
  assert.match(said.err, 'running the hook /bin/false');
  assert.equal(cgroups(), []);
});

test('kill --all reaches every process; --keep leaves the stopped container to look at', async () => {
  argv(['sh', '-c', 'sleep 100 & exec sleep 100']);
  await rig.call(['run', '-d', '-b', rig.bundle, 'web']);
  assert.ok(
    await until(
      async () => (JSON.parse((await rig.call(['ps', '-f', 'json', 'web'])).out) as number[]).length === 2,
    ),
  );
  assert.is((await rig.call(['kill', '--all', 'web', 'KILL'])).code, 0);
  assert.ok(await until(async () => (await rig.status('web')) === 'stopped'));
  await rig.call(['delete', 'web']);
  argv(['true']);
  assert.is((await rig.call(['run', '--keep', '-b', rig.bundle, 'web'])).code, 0);
  assert.is(await rig.status('web'), 'stopped');
});

test('descriptors are handed in when asked for, and no others', async () => {
  argv(['sh', '-c', 'cat <&3; ls /proc/self/fd']);
  const file = join(rig.folder, 'handed');
  writeFileSync(file, 'handed in\n');
  const fd = openSync(file, 'r');
  const given = await rig.call(['run', '--preserve-fds', '1', '-b', rig.bundle, 'web'], '', [fd]);
  assert.is(given.out, 'handed in\n0\n1\n2\n3\n4\n'); // 4 is the folder that ls reads
  closeSync(fd);
  argv(['ls', '/proc/self/fd']);
  assert.is((await rig.call(['run', '-b', rig.bundle, 'web'])).out, '0\n1\n2\n3\n');
});

test('terminals: one without a socket, and a socket without one, are refused before anything is made', async () => {
  rig.config((spec) => void (spec.process!.terminal = true));
  assert.match((await rig.call(['run', '-b', rig.bundle, 'web'])).err, 'no --console-socket');
  argv(['true']);
  const said = await rig.call(['create', '--console-socket', '/tmp/x', '-b', rig.bundle, 'web']);
  assert.match(said.err, 'the process has no terminal');
});

test('spec, features and version', async () => {
  const said = await rig.call(['spec', '--bundle', rig.folder]);
  assert.is(said.code, 0);
  assert.ok(existsSync(join(rig.folder, 'config.json')));
  const features = JSON.parse((await rig.call(['features'])).out) as { linux: { namespaces: string[] } };
  assert.ok(features.linux.namespaces.includes('cgroup'));
  assert.match((await rig.call(['--version'])).out, /^tare-oci version \d/);
});

test.run();
