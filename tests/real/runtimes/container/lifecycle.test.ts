import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execa } from 'execa';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { processStartTime } from '../../../../runtimes/sweep/owner.ts';
import { suite } from '../../../suite.ts';
import { cliRig, IMAGE, until, type CliRig } from './cli-rig.ts';

const test = suite('bench container');
let rig: CliRig;
const bench: CliRig['bench'] = (...argv) => rig.bench(...argv);
const detached: CliRig['detached'] = (word, script, ...flags) => rig.detached(word, script, ...flags);
const none = ['--network', 'none'];

test.before(async () => {
  rig = await cliRig();
});
test.after(async () => {
  await rig.end();
  // Also those of a test that failed before its end.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const folders: string[] = [];
function ownFolder(prefix: string): string {
  const folder = mkdtempSync(prefix);
  folders.push(folder);
  return folder;
}

test('run: output on both streams, the exit code, nothing left', async () => {
  const result = await bench(
    'run',
    '--rm',
    '--network',
    'none',
    IMAGE,
    'sh',
    '-c',
    'echo out; echo err >&2; exit 5',
  );
  assert.is(result.stdout, 'out');
  assert.match(String(result.stderr), /^err$/m);
  assert.is(result.exitCode, 5);
});

test('run: a program that is not there is named', async () => {
  const result = await bench('run', '--rm', '--network', 'none', IMAGE, 'no-such-program');
  assert.is(result.exitCode, 127);
});

test('kill: what is killed counts as 128 and the signal', async () => {
  const box = await detached('kill', 'sleep 300', '--network', 'none');
  await bench('kill', box);
  assert.is((await bench('wait', box)).stdout, '137');
});

test('a container goes on without its caller; logs, exec, pause, stop, wait, rm', async () => {
  const box = await detached(
    'life',
    'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done',
    ...none,
  );
  await until(async () => (await bench('logs', box)).stdout === 'hello');
  assert.is((await bench('exec', box, 'cat', '/proc/1/comm')).stdout, 'sh');
  assert.is((await bench('exec', box, 'sh', '-c', 'exit 9')).exitCode, 9);
  assert.is(
    (await bench('exec', '-e', 'X=1', '-w', '/usr', box, 'sh', '-c', 'echo $X $PWD')).stdout,
    '1 /usr',
  );
  await bench('pause', box);
  assert.match(String((await bench('exec', box, 'true')).stderr), /paused, not running/);
  await bench('unpause', box);
  assert.is((await bench('rm', box)).exitCode === 0, false, 'a running one is not removed without -f');
  assert.is((await bench('stop', box)).exitCode, 0);
  assert.is((await bench('wait', box)).stdout, '3');
  assert.match(String((await bench('logs', box)).stdout), /bye$/);
  assert.is((await bench('stop', box)).exitCode, 0, 'stopping again is fine');
  const inspected = JSON.parse(String((await bench('inspect', box)).stdout)) as {
    status: string;
    stateFolder: string;
  };
  assert.is(inspected.status, 'exited');
  assert.is((await bench('rm', box)).exitCode, 0);
  assert.not(existsSync(inspected.stateFolder));
  assert.match(String((await bench('logs', box)).stderr), /there is no container/);
});

test('the program dies with kill, and a supervisor that was killed leaves a container that can be removed', async () => {
  const box = await detached('orphan', 'sleep 300', '--network', 'none');
  const { pid, dataFolder } = JSON.parse(String((await bench('inspect', box)).stdout)) as {
    pid: number;
    dataFolder: string;
  };
  const supervisor = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  process.kill(supervisor, 'SIGKILL');
  assert.is((await bench('rm', '-f', box)).exitCode, 0);
  assert.is(processStartTime(pid), undefined);
  assert.not(existsSync(dataFolder));
});

test('limits hold inside, a volume is shared, the root can be read-only', async () => {
  const folder = ownFolder('/var/tmp/tare-volume-');
  mkdirSync(join(folder, 'in'));
  const limits = ['--cpuset-cpus', '0', '-m', '64m', '--pids-limit', '20', '--cpus', '0.5'];
  const box = ['--rm', '--network', 'none', '--read-only', '-v', `${folder}:/v`, ...limits];
  const script =
    'nproc; touch /x 2>/dev/null || echo read-only; echo data > /v/in/f; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null';
  const result = await bench('run', ...box, IMAGE, 'sh', '-c', script);
  assert.is(result.stdout, `1\nread-only\n${64 << 20}`);
  assert.is(readFileSync(join(folder, 'in/f'), 'utf8'), 'data\n');
  rmSync(folder, { recursive: true });
});

test('start once more: the same files and name, a new run; restart, rename, update, top, logs', async () => {
  const box = await detached('again', 'echo run >> /count; cat /count; exec sleep 300', ...none);
  await rig.out('stop', '-t', '1', box);
  assert.is(await rig.out('start', box), box);
  await until(async () => (await bench('logs', box)).stdout === 'run\nrun');
  await rig.out('restart', '-t', '1', box);
  await until(async () => (await bench('exec', box, 'wc', '-l', '/count')).stdout === '3 /count');
  const other = `${box}-2`;
  await rig.out('rename', box, other);
  assert.match(String((await bench('inspect', box)).stderr), /there is no container/);
  assert.match(await rig.out('top', other, '-o', 'pid,comm'), /\d+ sleep/);
  await rig.out('update', '-m', '96m', '--pids-limit', '33', other);
  const limits =
    'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max 2>/dev/null';
  assert.is((await bench('exec', other, 'sh', '-c', limits)).stdout, `${96 << 20}\n33`);
  await rig.out('restart', '-t', '1', other);
  assert.is(
    (await bench('exec', other, 'sh', '-c', limits)).stdout,
    `${96 << 20}\n33`,
    'also when started again',
  );
  assert.match(String((await bench('update', other)).stderr), /no limit was named/);
  await rig.out('rm', '-f', other);
});

test('start -a attaches; the exit code is the program’s', async () => {
  const box = await detached('attach', 'exit 0', ...none);
  await rig.out('rm', '-f', box);
  await rig.out('create', '--name', box, ...none, IMAGE, 'sh', '-c', 'echo shown; exit 4');
  const result = await bench('start', '-a', box);
  assert.equal([result.stdout, result.exitCode], ['shown', 4]);
});

test('cp both ways, running and not, and never through a link of the container’s to the host', async () => {
  const folder = ownFolder('/var/tmp/tare-cp-test-');
  const box = await detached('cp', 'sleep 300', ...none);
  mkdirSync(join(folder, 'tree/deep'), { recursive: true });
  writeFileSync(join(folder, 'tree/deep/file'), 'content');
  symlinkSync('deep/file', join(folder, 'tree/link'));
  await rig.out('cp', join(folder, 'tree'), `${box}:/srv`);
  assert.is(await rig.out('exec', box, 'cat', '/srv/tree/link'), 'content');
  await rig.out('cp', `${folder}/tree/.`, `${box}:/opt`);
  assert.is(await rig.out('exec', box, 'cat', '/opt/deep/file'), 'content');
  await rig.out('cp', `${box}:/srv/tree`, join(folder, 'back'));
  assert.is(readFileSync(join(folder, 'back/link'), 'utf8'), 'content');
  const canary = join(folder, 'canary');
  mkdirSync(canary);
  await rig.out('exec', box, 'ln', '-s', canary, '/trap');
  await bench('cp', join(folder, 'tree'), `${box}:/trap`);
  assert.equal(readdirSync(canary), [], 'a link that leads out of the container is followed inside it only');
  await bench('cp', '-a', join(folder, 'tree/deep/file'), `${box}:/srv/tree/link`);
  await rig.out('stop', '-t', '0', box);
  await rig.out('cp', `${box}:/srv/tree/deep/file`, join(folder, 'stopped'));
  assert.is(readFileSync(join(folder, 'stopped'), 'utf8'), 'content');
  const archive = String((await bench('cp', `${box}:/srv/tree`, '-')).stdout);
  assert.match(archive, /tree\/deep\/file/);
  assert.match(String((await bench('cp', `${box}:/no/such`, folder)).stderr), /does not exist/);
  rmSync(folder, { recursive: true });
});

test('diff, and events as they happened', async () => {
  const since = String(Date.now() / 1000);
  const box = await detached(
    'diff',
    'rm /etc/motd 2>/dev/null; echo x >> /etc/passwd; echo y > /new; exit 5',
    ...none,
  );
  await bench('wait', box);
  const changes = (await rig.out('diff', box)).split('\n');
  assert.ok(changes.includes('C /etc/passwd') && changes.includes('A /new'), changes.join());
  assert.not.ok(
    changes.some((line) => line.includes('/etc/hosts')),
    changes.join(),
  );
  await rig.out('rm', box);
  const lines = (
    await rig.out('events', '--since', since, '--until', '0s', '--filter', `container=${box}`)
  ).split('\n');
  const events = lines.map((line) => JSON.parse(line) as { action: string; exitCode?: number });
  assert.equal(events.map((event) => event.action).sort(), ['create', 'destroy', 'die', 'start']);
  assert.is(events.find((event) => event.action === 'die')?.exitCode, 5);
});

test('events can be followed while they happen', async () => {
  const [program, argv] = rig.commandLine('events', '--filter', 'event=die');
  const follower = execa(program, argv, { reject: false, timeout: 30_000 });
  let seen = '';
  follower.stdout.on('data', (chunk) => (seen += String(chunk)));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const box = await detached('seen', 'exit 6', ...none);
  await until(() => Promise.resolve(seen.includes(box) && seen.includes('"exitCode":6')));
  follower.kill('SIGINT');
  await follower;
});

test('labels, environment files, stop signals and filters', async () => {
  const folder = ownFolder('/var/tmp/tare-env-');
  writeFileSync(join(folder, 'env'), '# no\nA=1\n\nB=2 3\n');
  const flags = ['--env-file', join(folder, 'env'), '--label', 'role=web', '--stop-signal', 'USR1'];
  const box = await detached(
    'label',
    'trap "echo usr1; exit 0" USR1; echo "$A $B"; while :; do sleep 0.1; done',
    ...none,
    ...flags,
  );
  rmSync(folder, { recursive: true });
  assert.is(
    await rig.out(
      'ps',
      '--filter',
      'label=role=web',
      '--filter',
      `name=${box}`,
      '--format',
      '{{.name}} {{.status}}',
    ),
    `${box} running`,
  );
  await until(async () => (await bench('logs', box)).stdout === '1 2 3');
  await rig.out('stop', box);
  assert.is((await bench('logs', box)).stdout, '1 2 3\nusr1');
  assert.is(
    await rig.out('ps', '--filter', 'exited=0', '--filter', `name=${box}`, '-q'),
    await rig.out('inspect', '-f', '{{.id}}', box),
  );
  assert.match(String((await bench('ps', '--filter', 'colour=red')).stderr), /not a filter/);
});

test('each flag changes the plan as it says', async () => {
  const plan = async (...argv: string[]): Promise<string> => String((await bench('plan', ...argv)).stdout);
  assert.match(await plan('--hostname', 'box', IMAGE, 'true'), /hostname name="box"/);
  assert.match(
    await plan('--tmpfs', '/t:size=1m', IMAGE, 'true'),
    /target="\/t" type="tmpfs" .* data="size=1m"/,
  );
  assert.match(await plan('--entrypoint', 'ls', IMAGE, '-l'), /exec argv=\["ls","-l"\]/);
  assert.match(await plan('--cap-add', 'NET_ADMIN', IMAGE, 'true'), /bounding mask=0xa80435fb/);
  assert.match(await plan('--cap-drop', 'ALL', IMAGE, 'true'), /bounding mask=0x0\b/);
  assert.not.match(await plan('--security-opt', 'seccomp=unconfined', IMAGE, 'true'), /seccomp program/);
  const privileged = await plan('--privileged', IMAGE, 'true');
  assert.not.match(privileged, /seccomp program|mask path|read-only path|no-new-privs/);
  assert.match(privileged, /pivot-root/);
});

test('plan prints operations and makes nothing', async () => {
  const before = existsSync('/run/tare/containers') ? readdirSync('/run/tare/containers') : [];
  const { stdout } = await bench('plan', IMAGE, 'uname');
  assert.match(String(stdout), /pivot-root[\s\S]*seccomp program=<\d+ bytes>[\s\S]*exec argv=\["uname"\]/);
  assert.equal(existsSync('/run/tare/containers') ? readdirSync('/run/tare/containers') : [], before);
});

test.run();
