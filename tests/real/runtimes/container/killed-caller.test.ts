import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { suite } from '../../../suite.ts';
import { cliRig, containerState, IMAGE, leftBehind, openWorld, type CliRig, type World } from './cli-rig.ts';

const test = suite('a caller that is killed');
let world: World;
let rig: CliRig;
let before: string[];
const NET = `tt-${process.pid}-net`;
/** Moments between the start of the command and beyond its end, ms; spread so that every step is hit sometime. */
const KILLED_AFTER_MS = Array.from({ length: 8 }, (_, k) => 150 + k * 90 + Math.floor(Math.random() * 90));

test.before(async () => {
  before = containerState();
  world = await openWorld();
  rig = await cliRig(world.host);
  await rig.out('network', 'create', NET);
});

test.after(async () => {
  await rig.bench('network', 'rm', NET);
  await rig.end();
  await world.close();
});

async function killed(ms: number, ...argv: string[]): Promise<void> {
  const [program, rest] = rig.commandLine(...argv);
  const child = spawn(program, rest, { cwd: packagePath(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  await Promise.race([ended, sleep(ms)]);
  child.kill('SIGKILL');
  await ended;
}

/** Whatever was left: the words work, and afterwards the host is as before. */
async function isWhole(box: string, ms: number): Promise<void> {
  await rig.out('ps', '-a');
  await rig.bench('rm', '-f', '-v', box);
  await rig.out('ps', '-a');
  // What a network needs is put right by whoever next comes or goes on one.
  await rig.out('run', '--rm', '--network', NET, IMAGE, 'true');
  const rows = JSON.parse(await rig.out('ps', '-a', '--json')) as { name: string }[];
  assert.not.ok(
    rows.some((row) => row.name === box),
    `after ${ms} ms`,
  );
  const left = leftBehind(before).filter(
    (path) => !/\/networks\/[0-9a-f]{12}\.json$/.test(path) && !/\/run\/tare\/networks$/.test(path),
  );
  assert.equal(left, [], `after ${ms} ms`);
  const host = await world.onHost(
    'nft list ruleset; cat /proc/sys/net/ipv4/ip_forward; ip -br link | grep -c -v -e ^lo -e ^up0',
  );
  assert.is(host, '0\n0', `after ${ms} ms`);
}

test('at any moment of run -d with network, ports, NAT and volume', async () => {
  for (const ms of KILLED_AFTER_MS) {
    const box = rig.name(`run${ms}`);
    const options = ['--network', NET, '-p', '18180:80', '--nat', '-v', '/data', '--name', box];
    await killed(ms, 'run', '-d', ...options, IMAGE, 'sleep', '300');
    await isWhole(box, ms);
  }
});

test('at any moment of start and of rm', async () => {
  for (const [index, ms] of KILLED_AFTER_MS.slice(0, 5).entries()) {
    const box = rig.name(`late${index}`);
    await rig.out(
      'create',
      '--network',
      NET,
      '-p',
      '18181:80',
      '-v',
      '/data',
      '--name',
      box,
      IMAGE,
      'sleep',
      '300',
    );
    await killed(ms, 'start', box);
    // Started or not: starting again is right either way.
    await rig.out('start', box);
    assert.is(await rig.out('exec', box, 'echo', 'alive'), 'alive', `after ${ms} ms`);
    await killed(ms, 'rm', '-f', '-v', box);
    await isWhole(box, ms);
  }
});

test.run();
