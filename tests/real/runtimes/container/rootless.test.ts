import { execa, execaSync } from 'execa';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { hierarchies, hostLayout } from '../../../../runtimes/cgroup/layout.ts';
import { processStartTime } from '../../../../runtimes/sweep/owner.ts';
import { suite } from '../../../suite.ts';
import { openRootlessRig, unusable, type TestUser } from './rootless-rig.ts';

const test = suite('containers and measured boxes of an ordinary user');
const reason = unusable();
/** Where users cannot have user namespaces each test is skipped, with that as its reason. */
function on(name: string, body: () => Promise<void>): void {
  if (reason === null) test(name, body);
  else test.skipBecause(reason, name, body);
}
let rig: Awaited<ReturnType<typeof openRootlessRig>>;
const DEFAULT_CAPS = '00000000a80425fb';

test.before(async () => {
  if (reason === null) rig = await openRootlessRig();
});
test.after(async () => {
  if (reason !== null) return;
  for (const user of [rig.nobody, await rig.ranged()])
    for (const id of (await out(user, ['container', 'ps', '-aq'])).split('\n').filter(Boolean))
      await user.bench(['container', 'rm', '-f', id]);
  await rig.close();
});

async function out(user: TestUser, argv: string[]): Promise<string> {
  const result = await user.bench(argv);
  assert.is(result.exitCode, 0, `${argv.join(' ')}: ${String(result.stderr)}`);
  return String(result.stdout);
}

async function refused(user: TestUser, argv: string[], words: RegExp): Promise<void> {
  const result = await user.bench(argv);
  assert.is.not(result.exitCode, 0, argv.join(' '));
  assert.match(String(result.stderr), words);
  assert.not.match(String(result.stderr), /^\s+at /m, 'a stack is no word to a user');
}

function say(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(text));
  });
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.unreachable('it did not come');
}

const run = (...rest: string[]): string[] => ['container', 'run', '--rm', '--network', 'none', ...rest];

on('an image goes to the user’s own store; device nodes are left out, the rest is whole', async () => {
  await out(rig.nobody, ['image', 'import', rig.tarball, 'small:1']);
  const store = join(rig.nobody.home, '.local/share/tare/images');
  assert.is(lstatSync(store).uid, rig.nobody.uid);
  const [layer = ''] = readdirSync(join(store, 'layers')).filter((name) => !name.startsWith('.'));
  assert.not.ok(existsSync(join(store, 'layers', layer, 'tree/dev/null')));
  assert.is(
    lstatSync(join(store, 'layers', layer, 'tree/srv/theirs')).uid,
    rig.nobody.uid,
    'one id owns all',
  );
});

on(
  'root inside is the user outside: one id, no groups, the default capabilities, a filter, nothing more',
  async () => {
    const volume = join(rig.nobody.home, 'volume');
    const script =
      'id -u; cat /proc/self/uid_map /proc/self/setgroups; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; echo x > /v/made; ls /proc/1/root/bin/sh; exit 5';
    const result = await rig.nobody.bench(run('-v', `${volume}:/v`, 'small:1', 'sh', '-c', script));
    const lines = String(result.stdout).split('\n');
    assert.is(result.exitCode, 5, String(result.stderr));
    assert.is(lines[0], '0');
    assert.match(lines[1] ?? '', new RegExp(`^\\s*0\\s+${rig.nobody.uid}\\s+1$`));
    assert.is(lines[2], 'deny');
    assert.equal(lines.slice(3, 7), [
      `CapEff:\t${DEFAULT_CAPS}`,
      `CapBnd:\t${DEFAULT_CAPS}`,
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
    ]);
    assert.is(lstatSync(join(volume, 'made')).uid, rig.nobody.uid);
  },
);

on(
  'the life of a container: its own processes only, logs, exec, signals, an end that removes everything',
  async () => {
    const user = rig.nobody;
    const script = 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done';
    const id = await out(user, [
      'container',
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'life',
      'small:1',
      'sh',
      '-c',
      script,
    ]);
    await until(async () => (await out(user, ['container', 'logs', 'life'])) === 'hello');
    const seen = await out(user, [
      'container',
      'exec',
      'life',
      'sh',
      '-c',
      'id -u; cat /proc/1/comm; ls -d /proc/[0-9]* | grep -c proc; grep CapEff /proc/self/status',
    ]);
    const [uid, first, count, caps] = seen.split('\n');
    assert.equal([uid, first, caps], ['0', 'sh', `CapEff:\t${DEFAULT_CAPS}`]);
    assert.ok(Number(count) < 8);
    const { pid, stateFolder, dataFolder } = JSON.parse(
      await out(user, ['container', 'inspect', 'life']),
    ) as {
      pid: number;
      stateFolder: string;
      dataFolder: string;
    };
    // No process of it has a capability outside of its own user namespace, and the host's mounts are as they were.
    assert.match(
      readFileSync(`/proc/${pid}/uid_map`, 'utf8'),
      new RegExp(`^\\s*0\\s+${user.uid}\\s+1$`, 'm'),
    );
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(id));
    assert.is(lstatSync(`/tmp/tare-${user.uid}`).mode & 0o777, 0o700);
    const stats = JSON.parse(await out(user, ['container', 'stats', 'life'])) as {
      pids: number;
      memoryPssBytes: number;
    };
    assert.ok(stats.pids >= 1 && stats.memoryPssBytes > 0);
    const other = await rig.ranged();
    assert.not.match(await out(other, ['container', 'ps', '-aq']), new RegExp(id));
    await refused(other, ['container', 'rm', '-f', 'life'], /there is no container/);
    await out(user, ['container', 'stop', 'life']);
    assert.is(await out(user, ['container', 'wait', 'life']), '3');
    assert.match(await out(user, ['container', 'logs', 'life']), /bye$/);
    await out(user, ['container', 'rm', 'life']);
    assert.not.ok(existsSync(stateFolder) || existsSync(dataFolder));
    assert.is(processStartTime(pid), undefined);
  },
);

on('what cannot be had is refused in a line with its reason and its remedy', async () => {
  const user = rig.nobody;
  await refused(
    user,
    run('-u', '33', 'small:1', 'id'),
    /user 33 .*cannot be had inside.*\n.*usermod --add-subuids/,
  );
  await refused(user, ['container', 'run', '--rm', '--network', 'bridge', 'small:1', 'id'], /takes root/);
  await refused(
    user,
    ['container', 'run', '--rm', '-p', '80:80', 'small:1', 'id'],
    /port 80 of the host is root's/,
  );
  if (hierarchies(hostLayout()).length > 1)
    await refused(user, run('-m', '64m', 'small:1', 'id'), /memory cannot be limited: cgroup v1/);
  assert.is(
    await out(user, run('--cpuset-cpus', '0', 'small:1', 'grep', 'Cpus_allowed_list', '/proc/self/status')),
    'Cpus_allowed_list:\t0',
  );
  chmodSync('/dev/net/tun', 0o600);
  await refused(
    user,
    ['container', 'run', '--rm', '--network', 'pasta', 'small:1', 'true'],
    /pasta did not connect[^]*chmod 666 \/dev\/net\/tun/,
  );
  chmodSync('/dev/net/tun', 0o666);
  // A container without its network is taken back; what was started beside it ends when the kernel tells it so.
  const left = ['-U', String(user.uid), 'tare-launch|pasta|passt'];
  await until(() => execaSync('pgrep', left, { reject: false }).stdout === '');
  const shared = join(rig.folder, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  mkdirSync(join(shared, 'tare'));
  chmodSync(join(shared, 'tare'), 0o777);
  const followed = await user.bench(run('small:1', 'true'), { XDG_RUNTIME_DIR: shared });
  assert.match(String(followed.stderr), /is not this user's alone/);
});

on('an image is built: steps run inside, what overlayfs left is removed', async () => {
  const context = join(rig.nobody.home, 'context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM small:1\nRUN id -u > /who; mkdir -m 0700 /closed; touch /closed/f\nCOPY f /f\nCMD ["cat", "/who", "/f"]\n',
  );
  writeFileSync(join(context, 'f'), 'copied\n');
  await out(rig.nobody, ['image', 'build', '-q', '-t', 'app', context]);
  assert.is(await out(rig.nobody, run('app')), '0\ncopied');
  assert.equal(readdirSync(join(rig.nobody.home, '.local/share/tare/images/partial')), []);
});

on(
  'pasta: a published port is answered, the host’s loopback is not reached, and it ends with the container',
  async () => {
    const user = rig.nobody;
    const port = 18_000 + (process.pid % 900);
    const host: Server = createServer((socket) => socket.end('of the host'));
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port: hostPort } = host.address() as { port: number };
    const script = 'while :; do echo served | nc -l -p 80; done';
    await out(user, [
      'container',
      'run',
      '-d',
      '--network',
      'pasta',
      '-p',
      `127.0.0.1:${port}:80`,
      '--name',
      'web',
      'small:1',
      'sh',
      '-c',
      script,
    ]);
    await until(async () => (await say(port)).startsWith('served'));
    const reach = await user.bench([
      'container',
      'exec',
      'web',
      'nc',
      '-w',
      '2',
      '198.18.0.1',
      String(hostPort),
    ]);
    assert.not.match(String(reach.stdout), /of the host/);
    host.close();
    const { pid } = JSON.parse(await out(user, ['container', 'inspect', 'web'])) as { pid: number };
    const supervisor = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const pasta = childrenOf(supervisor).find((each) => each !== pid) ?? 0;
    assert.match(readFileSync(`/proc/${pasta}/cmdline`, 'utf8'), /pasta/);
    process.kill(supervisor, 'SIGKILL');
    await until(() => processStartTime(pasta) === undefined);
    assert.is(await say(port), 'refused');
    await out(user, ['container', 'rm', '-f', 'web']);
    assert.is(processStartTime(pid), undefined);
  },
);

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

on(
  'ranges of ids: owners are kept, other users exist inside, and what they wrote can be removed',
  async () => {
    const user = await rig.ranged();
    await out(user, ['image', 'import', rig.tarball, 'small:1']);
    const layers = join(user.home, '.local/share/tare/images/layers');
    const [layer = ''] = readdirSync(layers).filter((name) => !name.startsWith('.'));
    assert.is(lstatSync(join(layers, layer, 'tree/srv/theirs')).uid, 700_032, 'uid 33 inside');
    const script =
      'id -u; cat /srv/theirs; mkdir -m 0700 /tmp/own; echo mine > /tmp/own/f; cat /proc/self/setgroups; stat -c %u /tmp/own/f';
    await out(user, [
      'container',
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'www',
      '-u',
      '33:33',
      'small:1',
      'sh',
      '-c',
      `chmod 1777 /tmp; ${script}; sleep 60`,
    ]);
    const { dataFolder } = JSON.parse(await out(user, ['container', 'inspect', 'www'])) as {
      dataFolder: string;
    };
    await out(user, ['container', 'rm', '-f', 'www']);
    assert.not.ok(existsSync(dataFolder), 'also what belongs to a subordinate id');
    assert.is(
      await out(
        user,
        run('-u', '33:33', 'small:1', 'sh', '-c', 'id -u; cat /srv/theirs; cat /proc/self/setgroups'),
      ),
      '33\ntheirs\nallow',
    );
    const owned = 'chown 33:33 /bin/busybox; touch /tmp/new; chown 33:33 /tmp/new; stat -c %u /tmp/new';
    assert.is(await out(user, run('small:1', 'sh', '-c', owned)), '33');
  },
);

on(
  'bench run --matrix: both arms give numbers and a report, and say what was not possible; a killed run is swept',
  async () => {
    const user = rig.nobody;
    const matrix = join(user.home, 'user.yaml');
    const text = (seconds: number): string => `name: user
title: As an ordinary user
baseline: native
resources: { cpus: 1, memory: 256MiB }
runtimes: { native: {}, container: {} }
workloads:
  cpu: { workload: sysbench-cpu, options: { seconds: ${seconds} } }
trials: { rounds: 1, timeout: 60 }
`;
    writeFileSync(matrix, text(1));
    const result = await user.bench(['run', '--matrix', matrix]);
    assert.match(String(result.stderr), /CPUs are pinned by sched_setaffinity/);
    const [runFolder = ''] = readdirSync(join(user.home, 'results/runs'));
    const folder = join(user.home, 'results/runs', runFolder);
    assert.ok(existsSync(join(folder, 'report.html')), String(result.stderr));
    const trials = readFileSync(join(folder, 'trials.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Trial);
    for (const arm of ['native', 'container']) {
      const trial = trials.find((each) => each.arm === arm);
      // A busy machine may void the round: its values are kept then, and are what is looked at here.
      const outcome = trial?.outcome;
      assert.ok(outcome?.status === 'completed' || outcome?.status === 'invalid', JSON.stringify(outcome));
      assert.ok((outcome.samples ?? outcome.observed ?? []).length > 0);
      assert.is(trial?.inside?.nproc, 1, 'pinned to one CPU');
      // A second of one thread, shared with others at worst.
      assert.ok((trial?.cost.run?.cpuMs ?? 0) > 50, JSON.stringify(trial?.cost.run));
    }
    assert.match(
      readFileSync(join(folder, 'plan.json'), 'utf8'),
      /run by an ordinary user: memory not limited/,
    );

    writeFileSync(matrix, text(30));
    const killed = user.start(['run', '--matrix', matrix]);
    const claims = `/tmp/tare-${user.uid}/owners`;
    const scratch = join(user.home, '.cache/tare/scratch');
    await until(
      () =>
        existsSync(scratch) &&
        readdirSync(scratch).some((name) => readdirSync(join(scratch, name)).length > 0),
    );
    const processes = await execa('pgrep', ['-U', String(user.uid), 'tare-launch|tare-init'], {
      reject: false,
    });
    killed.kill('SIGKILL');
    await killed;
    assert.is(readdirSync(claims).length, 1);
    assert.match(await out(user, ['clean']), /removed folder/);
    assert.equal(readdirSync(claims), []);
    assert.equal(readdirSync(scratch), []);
    await until(() =>
      processes.stdout
        .split('\n')
        .filter(Boolean)
        .every((pid) => processStartTime(Number(pid)) === undefined),
    );
  },
);

interface Trial {
  arm: string;
  outcome: { status: string; samples?: unknown[]; observed?: unknown[] };
  inside: { nproc: number } | null;
  cost: { run: { cpuMs: number } | null };
}

test.run();
