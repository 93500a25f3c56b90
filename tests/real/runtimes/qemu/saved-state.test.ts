import { existsSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Instance } from '../../../../runtimes/contract.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** Two guests continued from one saved state: what they share, and what they must not. */
const test = suite('virtual machines from a saved state (emulated)');
let setting: VmSetting;
let qcow2: Instance;
let raw: Instance;

test.before(async () => {
  setting = await openVmSetting('sav');
  const [first, second] = [
    await setting.prepare({ format: 'qcow2', start: 'saved' }),
    await setting.prepare({ format: 'raw', start: 'saved' }),
  ];
  qcow2 = await first.start('r0-qcow2', setting.resources);
  raw = await second.start('r0-raw', setting.resources);
});

test.after(async () => {
  await qcow2?.destroy();
  await raw?.destroy();
  await setting?.close();
});

test('the record says that neither was booted, and both came from one boot', () => {
  const [one, other] = [qcow2.facts(), raw.facts()];
  assert.match(String(one.start), /saved state/);
  assert.match(String(one.clock), /set from the host/);
  assert.match(String(one.entropy), /fresh/);
  assert.is(one.savedBootMs, other.savedBootMs);
  assert.is(one.diskFormat, 'qcow2');
  assert.is(other.diskFormat, 'raw');
});

test('their randomness parts at once', async () => {
  const draw = async (vm: Instance): Promise<string> =>
    (await vm.exec(['sh', '-c', 'head -c 32 /dev/urandom | sha256sum; cat /proc/sys/kernel/random/uuid']))
      .stdout;
  const [one, other] = [await draw(qcow2), await draw(raw)];
  assert.is.not(one.split(' ')[0], other.split(' ')[0]);
  assert.is.not(one.split('\n')[1], other.split('\n')[1]);
});

test('their network identities differ, and each reaches its own peer', async () => {
  const identity = async (vm: Instance): Promise<string[]> => {
    const { stdout } = await vm.exec(['ip', '-br', 'addr', 'show', 'eth0']);
    const { stdout: link } = await vm.exec(['cat', '/sys/class/net/eth0/address']);
    return [/(198\.1[89]\.\d+\.\d+)\/30/.exec(stdout)?.[1] ?? '', link.trim()];
  };
  const [one, other] = [await identity(qcow2), await identity(raw)];
  assert.is(one[0], qcow2.network.address);
  assert.is(other[0], raw.network.address);
  assert.is.not(one[0], other[0]);
  assert.is.not(one[1], other[1]);
  for (const vm of [qcow2, raw]) {
    const ping = await vm.exec(['busybox', 'ping', '-c', '1', '-w', '5', vm.network.peer.address]);
    assert.is(ping.exitCode, 0, ping.stdout + ping.stderr);
  }
});

test('their clocks are the host’s, however long ago the state was saved', async () => {
  for (const vm of [qcow2, raw]) {
    const { stdout } = await vm.exec(['date', '+%s%N']);
    const apartMs = Math.abs(Number(BigInt(stdout.trim()) / 1_000_000n) - Date.now());
    assert.ok(apartMs < 2000, `${apartMs} ms apart`);
  }
});

test('what one writes to its disks and memory the other never sees', async () => {
  await qcow2.exec(['sh', '-c', 'echo mine > /data/f; echo mine > /root/f; echo mine > /dev/shm/f; sync']);
  const { stdout } = await raw.exec(['sh', '-c', 'ls /data/f /root/f /dev/shm/f 2>&1']);
  assert.is(stdout.match(/No such file/g)?.length, 3);
});

test('a later one starts fresh after both have written', async () => {
  const third = await (
    await setting.prepare({ format: 'raw', start: 'saved' })
  ).start('r1-raw', setting.resources);
  try {
    const { stdout } = await third.exec(['sh', '-c', 'ls -A /data /root/f /dev/shm/f 2>/dev/null; uptime']);
    assert.not.match(stdout, /^f$|\/f/m);
  } finally {
    await third.destroy();
  }
});

test('the saved RAM has no name on the host that could outlive us', async () => {
  assert.not(existsSync(`/dev/shm/tare-ram-${process.pid}`));
  const { readdir } = await import('node:fs/promises');
  assert.not((await readdir('/dev/shm')).some((name) => name.startsWith(`tare-ram-${process.pid}`)));
});

test.run();
