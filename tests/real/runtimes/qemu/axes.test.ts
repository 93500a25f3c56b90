import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Instance } from '../../../../runtimes/contract.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** Machines, disks and networks other than the defaults, each on a real guest. */
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

test('microvm, raw disk preallocated by fallocate: it does not grow', async () => {
  const options = { machine: 'microvm', format: 'raw', preallocation: 'falloc', diskMiB: 256 };
  await withVm(options, async (vm, disk) => {
    assert.is((await infoOf(disk)).format, 'raw');
    const before = Number(vm.facts().diskBytesNow);
    assert.ok(before >= 256 << 20, `${before} bytes allocated before`);
    assert.is((await vm.exec(write8MiB)).exitCode, 0);
    assert.ok(Number(vm.facts().diskBytesNow) - before < 1 << 20);
  });
});

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

test('virtio-scsi in an iothread, a written disk, slirp: the peer is reached through it', async () => {
  const options = {
    bus: 'virtio-scsi',
    iothread: true,
    state: 'written',
    diskMiB: 128,
    cache: 'writeback',
    network: 'user',
  };
  await withVm(options, async (vm) => {
    const before = Number(vm.facts().diskBytesNow);
    assert.ok(before >= 128 << 20, 'every cluster is there before the first write');
    assert.is((await vm.exec(write8MiB)).exitCode, 0);
    assert.ok(Number(vm.facts().diskBytesNow) - before < 1 << 20);
    assert.is(vm.network.path, 'virtio-net + slirp');
    const server = await vm.network.peer.spawn(['iperf3', '-s', '-1']);
    try {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const result = await vm.exec(['iperf3', '-c', vm.network.peer.address, '-t', '1', '-J'], {
        timeoutMs: 20_000,
      });
      const report = JSON.parse(result.stdout) as { error?: string };
      assert.is(report.error, undefined);
    } finally {
      await server.stop();
    }
  });
});

test('several CPUs by a topology, and one that does not fit is refused', async () => {
  const resources = { ...setting.resources, cpus: 2, cpuset: [0, 1], housekeeping: [] };
  const prepared = await setting.prepare({
    topology: { sockets: 2, cores: 1, threads: 1 },
    start: 'cold',
    mtu: 1400,
  });
  const vm = await prepared.start('r0-smp', resources);
  try {
    const inside = await vm.exec([
      'sh',
      '-c',
      'nproc; cat /sys/devices/system/cpu/cpu1/topology/physical_package_id /sys/class/net/eth0/mtu',
    ]);
    assert.is(inside.stdout, '2\n1\n1400\n');
    assert.is(vm.facts().vcpusOn, '0,1');
  } finally {
    await vm.destroy();
  }
  const error = await prepared.start('r0-bad', setting.resources).then(
    () => undefined,
    (thrown: { code: string }) => thrown,
  );
  assert.is(error?.code, 'vm-topology');
});

test.run();
