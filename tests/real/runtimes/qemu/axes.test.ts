import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Instance } from '../../../../runtimes/contract.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** What no other file of this folder boots: q35, and options together. Disks, networks and machines have files of their own. */
const test = suite('axes of virtual machines (emulated)');
let setting: VmSetting;

test.before(async () => {
  setting = await openVmSetting('axe');
});

test.after(async () => {
  await setting?.close();
});

async function withVm(
  options: Record<string, unknown>,
  use: (vm: Instance, dataDisk: string) => Promise<void>,
): Promise<void> {
  const vm = await (await setting.prepare(options)).start('r0-axis', setting.resources);
  try {
    const [folder = ''] = (await readdir(setting.context.scratchDir)).filter((name) => /^v\d/.test(name));
    await use(vm, join(setting.context.scratchDir, folder, `data.${String(options.format ?? 'qcow2')}`));
  } finally {
    await vm.destroy();
  }
}

/** What qemu-img says of a disk that a QEMU has open. */
async function infoOf(disk: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', disk]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const write8MiB = ['dd', 'if=/dev/zero', 'of=/data/f', 'bs=1M', 'count=8', 'conv=fsync'];

test('q35, cold, an overlay on a backing file with small clusters, directsync, native aio', async () => {
  const options = {
    machine: 'q35',
    start: 'cold',
    state: 'overlay',
    clusterKiB: 16,
    cache: 'directsync',
    aio: 'native',
    diskMiB: 256,
  };
  await withVm(options, async (vm, disk) => {
    const info = await infoOf(disk);
    assert.is(info.format, 'qcow2');
    assert.is(info['cluster-size'], 16384);
    assert.match(String(info['backing-filename']), /data-256\.raw$/);
    assert.is((await vm.exec(write8MiB)).exitCode, 0);
    const cache = await vm.exec(['cat', '/sys/block/vdb/queue/write_cache']);
    assert.is(cache.stdout.trim(), 'write through', 'the guest knows that there is no write cache');
  });
});

test('a topology that is not the CPUs given is refused, and nothing is left', async () => {
  const prepared = await setting.prepare({ topology: { sockets: 2, cores: 1, threads: 1 }, start: 'cold' });
  const error = await prepared.start('r0-bad', setting.resources).then(
    () => undefined,
    (thrown: { code: string }) => thrown,
  );
  assert.is(error?.code, 'vm-topology');
  const left = (await readdir(setting.context.scratchDir)).filter((name) => /^v\d/.test(name));
  assert.equal(left, []);
});

test.run();
