import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Instance } from '../../../../../runtimes/contract.ts';
import { ensureImage } from '../../../../../runtimes/image/ensure-image.ts';
import { qemuOptionsSchema } from '../../../../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../../../../runtimes/qemu/qemu-runtime.ts';
import { registerOwner, releaseOwner } from '../../../../../runtimes/sweep/owner.ts';
import { machinePaths } from '../../../../../harness/run/paths.ts';
import { suite } from '../../../../suite.ts';
import { guestTree } from './guest-tree.ts';

/**
 * Our cgroup code, plans and launcher on a kernel that has its controllers on v2. Most hosts are such ones; where these
 * tests run may not be, so they bring one: a guest of ours (emulated) without any v1 hierarchy, in which the very product
 * runs on Node. One boot and one program find everything out; the tests judge what was found.
 */
const test = suite('cgroup v2, in a booted guest');
const { cacheDir } = machinePaths();
const owner = `tare-v2${process.pid.toString(36).slice(-5)}`;
const scratchDir = join(cacheDir, 'scratch', owner);
const resources = { cpus: 2, memoryMiB: 1024, cpuset: [0, 1], housekeeping: [] };
const PREPARE =
  'busybox mount -t cgroup2 none /sys/fs/cgroup && modprobe overlay && modprobe veth && mkdir -p /data/scratch';
const FIND_OUT = 'exec /opt/tare/node /opt/tare/dist/guest.mjs /data/facts.json';
let vm: Instance | undefined;
let facts: Record<string, unknown> = {};
let failure: unknown;

/** A hook that throws is silent; what went wrong is then said by every test. */
test.before(() => findOutInGuest().catch((error: unknown) => void (failure = error)));

async function findOutInGuest(): Promise<void> {
  await mkdir(scratchDir, { recursive: true });
  await registerOwner(owner, scratchDir);
  const ownCache = join(scratchDir, 'cache');
  const image = await guestTree(await ensureImage(cacheDir, () => undefined), scratchDir, cacheDir, ownCache);
  const context = {
    owner,
    resources,
    cacheDir: ownCache,
    scratchDir,
    signal: new AbortController().signal,
    log: () => undefined,
  };
  const prepared = await qemuRuntime.prepare(
    image,
    qemuOptionsSchema.parse({ accel: 'tcg', start: 'cold' }),
    context,
  );
  vm = await prepared.start('v2', resources);
  const ran = await vm.exec(['sh', '-c', `${PREPARE} && ${FIND_OUT}`], { timeoutMs: 240_000 });
  const said = await vm.exec(['cat', '/data/facts.json']);
  if (said.exitCode !== 0) throw new Error(`nothing was found out in the guest: ${ran.stdout}${ran.stderr}`);
  facts = JSON.parse(said.stdout) as Record<string, unknown>;
}

test.after(async () => {
  await vm?.destroy();
  await rm(scratchDir, { recursive: true, force: true });
  await releaseOwner(owner);
});

function found<Shape>(name: string): Shape {
  if (failure) throw failure;
  const fact = facts[name] as Shape & { error?: string };
  assert.ok(fact !== undefined, `${name} was never found out`);
  if (fact.error !== undefined) throw new Error(fact.error);
  return fact;
}

test('every controller is on v2', () => {
  assert.equal(found('layout'), { name: 'v2', mounts: ['/sys/fs/cgroup'] });
});

test('limits are in the kernel as asked, and can be changed', () => {
  const seen = found<Record<string, string | string[]>>('limits');
  assert.match(String(seen['io.max']), /^254:0 rbps=max wbps=1048576 riops=max wiops=max$/);
  delete seen['io.max'];
  assert.equal(seen, {
    'cpuset.cpus': '1',
    'cpuset.cpus.effective': '1',
    'memory.max': '67108864',
    'memory.low': '16777216',
    'memory.high': '50331648',
    'pids.max': '33',
    'cpu.max': '50000 100000',
    'cpu.weight': '20',
    later: ['100663296', 'max'],
    notes: [],
  });
});

test('a container is born in its cgroup and sees nothing above it; who waits for it stays outside', () => {
  const seen = found<{
    moves: number;
    outside: string;
    inside: string;
    path: string;
    pids: boolean;
    parentPids: boolean;
  }>('birth');
  assert.is(seen.moves, 0);
  assert.is(seen.outside, `0::/${seen.path}`);
  assert.is(seen.inside, '0::/\n1\n');
  assert.equal([seen.pids, seen.parentPids], [true, false]);
});

test('a quota throttles, and the time is told', () => {
  const seen = found<{ throttledMs: number; cpuMs: number }>('throttle');
  // 1.5 s of wall time at a fifth of a CPU, with room for the last period.
  assert.ok(seen.throttledMs > 300, `${seen.throttledMs} ms`);
  assert.ok(seen.cpuMs < 800, `${seen.cpuMs} ms of CPU were used`);
});

test('CPU, memory and I/O are counted', () => {
  const { cost, stats } = found<{
    cost: Record<string, number | null>;
    stats: {
      cpu: { usage: { total: number; user: number } };
      memory: { usage: { limit: number; max: number } };
      pids: { limit: number };
    };
  }>('stats');
  assert.ok((cost.cpuMs ?? 0) > 700, `${cost.cpuMs} ms of CPU`);
  assert.ok((cost.cpuUserMs ?? 0) > 0 && (cost.cpuUserMs ?? 0) <= (cost.cpuMs ?? 0));
  assert.ok((cost.ioWriteBytes ?? 0) >= 8 << 20, `${cost.ioWriteBytes} bytes written`);
  assert.ok((cost.ioReadBytes ?? 0) >= 8 << 20, `${cost.ioReadBytes} bytes read`);
  assert.ok(cost.memoryCgroupBytes !== null);
  assert.ok(Math.abs(stats.cpu.usage.total / 1e6 - (cost.cpuMs ?? 0)) < 5);
  assert.is(stats.memory.usage.limit, 128 << 20);
  assert.is(stats.pids.limit, 50);
});

test('a memory hog is killed alone and reported', () => {
  const { said, kills } = found<{ said: string; kills: number }>('oom');
  assert.match(said, /after: 137/);
  assert.is(kills, 1);
});

test('a fork bomb stops at the pids limit', () => {
  const { said, events } = found<{ said: string; events: string }>('forkBomb');
  assert.match(said, /(Cannot fork|Resource temporarily unavailable)/);
  assert.match(events, /^max [1-9]/);
});

test('frozen, it uses no CPU; thawed, it goes on; killed while frozen, it is gone', () => {
  const { frozen, thawed, state } = found<{ frozen: number; thawed: number; state: string }>('freeze');
  assert.ok(frozen < 20, `${frozen} ms of CPU while frozen`);
  assert.ok(thawed > 100, `${thawed} ms of CPU after it`);
  assert.match(state, /^frozen 1$/m);
  assert.equal(found('killFrozen'), { left: false });
});

test('the device program refuses what is not allowed, and allows what is', () => {
  const seen = found<Record<string, string>>('devices');
  // The control: without a program the disk can be read, so it is the program that refuses.
  assert.is(seen.without, '4\n2');
  for (const name of ['denied', 'otherMinor', 'onlyWrite'])
    assert.match(seen[name] ?? '', /^0\n2\nhead: .*Operation not permitted$/, name);
  assert.is(seen.allowed, '4\n2');
});

test('the measured arm runs there as it does on v1', () => {
  const seen = found<{
    facts: Record<string, unknown>;
    inside: string;
    device: string;
    hog: string;
    words: string;
    cost: Record<string, number>;
    throttledMs: number;
  }>('arm');
  assert.is(seen.facts.cgroups, 'v2');
  assert.is(seen.inside, '0::/\n1\n1');
  assert.match(seen.device, /Operation not permitted/);
  assert.is(seen.hog, 'SIGKILL');
  assert.match(seen.words, /the memory limit was reached/);
  assert.ok((seen.cost.cpuMs ?? 0) > 0 && (seen.cost.memoryPssBytes ?? 0) > 0);
  assert.type(seen.throttledMs, 'number');
});

test('nothing is left in the hierarchy', () => {
  assert.equal(found('left'), { during: 1, after: [], names: [], self: true });
});

test.run();
