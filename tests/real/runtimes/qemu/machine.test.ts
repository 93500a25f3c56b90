import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Resources } from '../../../../results/record/plan.ts';
import { freeHugePages } from '../../../../runtimes/qemu/machine/check-memory.ts';
import { allowedCpus, threadsOf } from '../../../../runtimes/qemu/machine/pinning.ts';
import type { QemuInstance } from '../../../../runtimes/qemu/qemu-instance.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** The machine itself: its CPUs, its memory and where its threads run, seen from inside and from /proc. */
const test = suite('the machine of a VM (emulated)');
let setting: VmSetting;

test.before(async () => {
  setting = await openVmSetting('mch');
});

test.after(async () => {
  await setting?.close();
});

async function withVm(
  options: Record<string, unknown>,
  resources: Resources,
  use: (vm: QemuInstance) => Promise<void>,
): Promise<void> {
  setting.context.resources = resources;
  try {
    const prepared = await setting.prepare({ diskMiB: 64, ...options });
    const vm = (await prepared.start('r0-machine', resources)) as QemuInstance;
    try {
      await use(vm);
    } finally {
      await vm.destroy();
    }
  } finally {
    setting.context.resources = setting.resources;
  }
}

/** Every thread of QEMU by its name, with the CPUs it may run on. */
function placesOf(pid: number): { name: string; cpus: number[] }[] {
  return threadsOf(pid).flatMap((tid) => {
    const cpus = allowedCpus(pid, tid);
    const name = readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim();
    return cpus ? [{ name, cpus }] : [];
  });
}

test('sockets, cores and threads are what lscpu says inside; vCPUs sit on the measured CPUs in turn; a balloon on demand', async () => {
  const resources: Resources = { cpus: 4, memoryMiB: 256, cpuset: [0, 1], housekeeping: [] };
  const topology = { sockets: 2, cores: 1, threads: 2 };
  await withVm({ topology, balloon: true, start: 'cold' }, resources, async (vm) => {
    const { stdout } = await vm.exec(['lscpu']);
    const field = (name: string): string => new RegExp(`^\\s*${name}:\\s+(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    assert.is(field('CPU\\(s\\)'), '4', stdout);
    assert.is(field('Socket\\(s\\)'), '2', stdout);
    assert.is(field('Core\\(s\\) per socket'), '1', stdout);
    assert.is(field('Thread\\(s\\) per core'), '2', stdout);
    const vcpus = placesOf(vm.pid).filter(({ name }) => /^CPU \d/.test(name));
    assert.equal(
      vcpus.sort((a, b) => a.name.localeCompare(b.name)).map(({ cpus }) => cpus),
      [[0], [1], [0], [1]],
    );
    assert.is(vm.facts().vcpusOn, '0,1,0,1');
    const balloon = (await vm.qmp.execute('query-balloon')) as { actual: number };
    assert.is(balloon.actual, 256 << 20, 'it holds nothing back');
    const driver = await vm.exec(['ls', '/sys/bus/virtio/drivers/virtio_balloon']);
    assert.match(driver.stdout, /virtio\d/, 'the guest has its driver');
  });
});

test('no balloon unless asked for; the iothread and every other thread of QEMU off the measured CPUs', async () => {
  await withVm({ iothread: true }, setting.resources, async (vm) => {
    const refused = await vm.qmp.execute('query-balloon').then(
      () => '',
      (error: Error) => error.message,
    );
    assert.match(refused, /No balloon device/);
    const written = await vm.exec(['dd', 'if=/dev/zero', 'of=/data/f', 'bs=1M', 'count=8', 'oflag=direct']);
    assert.is(written.exitCode, 0);
    const places = placesOf(vm.pid);
    assert.ok(
      places.some(({ name }) => name.startsWith('IO io0')),
      places.map(({ name }) => name).join(),
    );
    for (const { name, cpus } of places)
      assert.equal(
        cpus,
        /^CPU \d/.test(name) ? setting.resources.cpuset : setting.resources.housekeeping,
        name,
      );
  });
});

test('huge pages: used where the host has reserved them, else refused with what would, and nothing is reserved', async () => {
  const before = readFileSync('/proc/sys/vm/nr_hugepages', 'utf8');
  if (freeHugePages() >= setting.resources.memoryMiB / 2)
    await withVm({ hugepages: true }, setting.resources, async (vm) => {
      assert.match(readFileSync(`/proc/${vm.pid}/smaps`, 'utf8'), /^KernelPageSize:\s+2048 kB$/m);
    });
  else {
    const error = await setting.prepare({ hugepages: true }).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string; hint?: string },
    );
    assert.is(error?.code, 'vm-no-hugepages');
    assert.match(error?.hint ?? '', /vm\.nr_hugepages=128/);
  }
  assert.is(readFileSync('/proc/sys/vm/nr_hugepages', 'utf8'), before);
});

test.run();
