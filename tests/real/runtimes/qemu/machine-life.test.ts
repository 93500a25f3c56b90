import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../../results/package-root.ts';
import { findMachine } from '../../../../runtimes/qemu/lifecycle/machine-record.ts';
import { isAlive, listOwners } from '../../../../runtimes/sweep/owner.ts';
import { sweep } from '../../../../runtimes/sweep/sweep.ts';
import { suite } from '../../../suite.ts';

/** Machines that stay, as a person uses them: each call is a process of its own, and knows only what is on record. */
const test = suite('bench vm boot, and what follows');

const NAME = `t${process.pid}`;
const folder = await mkdtemp(join(tmpdir(), 'tare-life-'));

const bench = (words: string[], input = ''): Promise<{ exitCode?: number; stdout: string; stderr: string }> =>
  execa(process.execPath, ['--import', 'tsx', join(packageRoot(), 'harness/cli/main.ts'), 'vm', ...words], {
    reject: false,
    input,
    timeout: 120_000,
  });
const well = async (words: string[], input = ''): Promise<string> => {
  const { exitCode, stdout, stderr } = await bench(words, input);
  assert.is(exitCode, 0, `${words.join(' ')}: ${stdout} ${stderr}`);
  return stdout;
};

test.before(async () => {
  const matrix = join(folder, 'm.yaml');
  await writeFile(
    matrix,
    [
      'name: small',
      'resources: { cpus: 1, memory: 256MiB }',
      'runtimes:',
      '  native:',
      '  small: { runtime: qemu, options: { accel: tcg, clusterKiB: 16 } }',
      'workloads:',
      '  cpu: { workload: sysbench-cpu }',
      '',
    ].join('\n'),
  );
  const printed = await well(['boot', '-d', '--name', NAME, '--matrix', matrix, '--arm', 'small', '--json']);
  assert.is((JSON.parse(printed) as { name: string }).name, NAME);
});

test.after(async () => {
  await bench(['rm', '-f', NAME]);
  await rm(folder, { recursive: true, force: true });
});

test('an arm of a matrix is booted as its trials are, and outlives the command; a sweep leaves it alone', async () => {
  await sweep();
  const rows = JSON.parse(await well(['ps', '--json'])) as { name: string; status: string; label: string }[];
  const row = rows.find((each) => each.name === NAME);
  assert.is(row?.status, 'running');
  assert.match(row?.label ?? '', /16 KiB clusters/);
  const machine = JSON.parse(await well(['inspect', NAME])) as { folder: string };
  const info = await execa('qemu-img', ['info', '-U', '--output=json', join(machine.folder, 'data.qcow2')]);
  assert.is((JSON.parse(info.stdout) as { 'cluster-size': number })['cluster-size'], 16 * 1024);
  const memory = await well(['exec', '--tools', NAME, 'grep', 'MemTotal', '/proc/meminfo']);
  assert.ok(Number(/\d+/.exec(memory)?.[0]) < 256 * 1024);
});

test('a program inside has our input, output and environment, and its exit code is ours', async () => {
  const words = [
    'exec',
    '--env',
    'WHAT=it',
    '--workdir',
    '/data',
    NAME,
    'sh',
    '-c',
    'pwd; echo $WHAT; cat; echo no >&2; exit 7',
  ];
  const { exitCode, stdout, stderr } = await bench(words, 'typed\n');
  assert.is(exitCode, 7);
  assert.is(stdout, '/data\nit\ntyped');
  assert.match(stderr, /no/);
  const missing = await bench(['exec', NAME, 'no-such-program']);
  assert.is(missing.exitCode, 5);
  assert.match(missing.stderr, /ENOENT.*vm-session-start/s);
});

test('a shell has a terminal inside', async () => {
  const { stdout, exitCode } = await bench(['shell', NAME], 'tty; stty size; exit 5\n');
  assert.is(exitCode, 5);
  assert.match(stdout, /\/dev\/pts\/0/);
  assert.match(stdout, /24 80/);
});

test('two people can look into it at once', async () => {
  const both = await Promise.all([
    well(['exec', NAME, 'sh', '-c', 'echo one; sleep 2']),
    well(['exec', NAME, 'sh', '-c', 'echo two; sleep 2']),
  ]);
  assert.equal(both, ['one', 'two']);
});

test('files and folders go in and come out as they were', async () => {
  const source = join(packageRoot(), 'harness', 'vm');
  await well(['cp', source, `${NAME}:/data`]);
  await well(['cp', `${NAME}:/data/vm`, folder]);
  await execa('diff', ['-r', source, join(folder, 'vm')]);
  await well(['cp', join(packageRoot(), 'package-lock.json'), `${NAME}:/tmp/`]);
  await well(['cp', `${NAME}:/tmp/package-lock.json`, join(folder, 'back')]);
  assert.is(
    await readFile(join(folder, 'back'), 'utf8'),
    await readFile(join(packageRoot(), 'package-lock.json'), 'utf8'),
  );
  assert.match((await bench(['cp', `${NAME}:/no/such`, folder])).stderr, /vm-copy/);
});

test('a snapshot brings memory and disks back, costs are said, the clock is put right', async () => {
  await well(['exec', NAME, 'sh', '-c', 'echo before > /data/f; echo before > /tmp/in-memory; sync']);
  const saved = JSON.parse(await well(['snapshot', 'save', '--json', NAME, 'one'])) as {
    ms: number;
    stateBytes: number;
  };
  assert.ok(saved.ms > 0 && saved.stateBytes > 2 ** 20, JSON.stringify(saved));
  assert.match((await bench(['snapshot', 'save', NAME, 'one'])).stderr, /vm-snapshot-exists/);
  await well([
    'exec',
    NAME,
    'sh',
    '-c',
    'echo after > /data/f; echo after > /tmp/in-memory; date -s 2001-01-01',
  ]);
  const loaded = JSON.parse(await well(['snapshot', 'load', '--json', NAME, 'one'])) as {
    putRight: { clock: string };
  };
  assert.match(loaded.putRight.clock, /from the host/);
  assert.is(await well(['exec', NAME, 'cat', '/data/f', '/tmp/in-memory']), 'before\nbefore');
  assert.ok(Math.abs(Number(await well(['exec', NAME, 'date', '+%s'])) - Date.now() / 1000) < 10);
  assert.match(await well(['snapshot', 'list', '--json', NAME]), /"name":"one"/);
  await well(['snapshot', 'delete', NAME, 'one']);
  assert.match((await bench(['snapshot', 'load', NAME, 'one'])).stderr, /vm-snapshot-unknown/);
});

test('stopped it powers down; its console stays until it is removed, and then nothing is left', async () => {
  const record = findMachine(NAME);
  assert.match((await bench(['rm', NAME])).stderr, /vm-running/);
  assert.is(await well(['stop', '--time', '30', NAME]), `${NAME}: powered down`);
  assert.match(await well(['console', '--follow', NAME]), /reboot: Restarting/);
  assert.match((await bench(['exec', NAME, 'true'])).stderr, /vm-not-running/);
  await well(['rm', NAME]);
  assert.not(existsSync(record.folder));
  assert.is(listOwners().filter((owner) => owner.owner === record.owner).length, 0);
  assert.not(existsSync(join('/run/netns', record.namespace)));
});

test('one whose QEMU was killed is swept', async () => {
  await well(['boot', '--detach', '--name', NAME, '-o', 'accel=tcg', '--memory', '256']);
  const record = findMachine(NAME);
  process.kill(record.pid, 'SIGKILL');
  const owner = listOwners().find((each) => each.owner === record.owner);
  while (owner && isAlive(owner)) await new Promise((resolve) => setTimeout(resolve, 20));
  const removed = await sweep();
  assert.ok(
    removed.some((line) => line.includes(record.owner)),
    removed.join('\n'),
  );
  assert.not(existsSync(record.folder));
});

test.run();
