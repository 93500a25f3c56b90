import { execa, type Result } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { processStartTime } from '../../../../runtimes/sweep/owner.ts';
import { suite } from '../../../suite.ts';

const test = suite('bench container');
const IMAGE = 'tare/guest';
const name = (word: string): string => `tt-${process.pid}-${word}`;
const made: string[] = [];

async function bench(...argv: string[]): Promise<Result> {
  // Not by npx: that alone takes most of a second, forty times.
  const node = ['--import', 'tsx', packagePath('harness/cli/main.ts')];
  return execa(process.execPath, [...node, 'container', ...argv], {
    cwd: packagePath(),
    reject: false,
    stdin: 'ignore',
    timeout: 60_000,
  });
}

async function detached(word: string, script: string, ...flags: string[]): Promise<string> {
  made.push(name(word));
  const result = await bench('run', '-d', '--name', name(word), ...flags, IMAGE, 'sh', '-c', script);
  assert.is(result.exitCode, 0, String(result.stderr));
  return name(word);
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.unreachable('it did not come');
}

test.after(async () => {
  for (const each of made) await bench('rm', '-f', each);
});

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
  const box = await detached('life', 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done');
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
  const folder = mkdtempSync('/var/tmp/tare-volume-');
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

test('a published port is answered on the host, and is closed again', async () => {
  const server = `perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>8080,Listen=>5); print "up\\n"; $|=1; while($c=$s->accept){print $c "served"; close $c}'`;
  const box = await detached('port', server, '-p', '18089:8080');
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(18089, '127.0.0.1');
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', () => resolve('refused'));
      socket.on('close', () => resolve(text));
    });
  await until(async () => (await ask()) === 'served');
  await bench('rm', '-f', box);
  assert.is(await ask(), 'refused');
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
