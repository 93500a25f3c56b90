import * as assert from 'uvu/assert';
import { cgroupLayout } from '../../../harness/host/cgroup-layout.ts';
import { diskOfPath, mountOf } from '../../../harness/host/disk-of-path.ts';
import { hostLimits } from '../../../harness/host/limits.ts';
import {
  fingerprintDifferences,
  fingerprintOf,
  machineFacts,
  readMachine,
} from '../../../harness/host/machine.ts';
import { parseCpuList } from '../../../harness/host/cpu-list.ts';
import { machineSchema } from '../../../results/record/host.ts';
import { suite } from '../../suite.ts';

const test = suite('the machine');

const cpuinfo = [0, 1]
  .map(
    (cpu) =>
      `processor\t: ${cpu}\ncpu family\t: 6\nmodel\t\t: 151\nmodel name\t: 12th Gen Core\nstepping\t: 2\nmicrocode\t: 0x2e\n`,
  )
  .join('\n');
const files: Record<string, string> = {
  '/proc/cpuinfo': cpuinfo,
  '/proc/meminfo': 'MemTotal:       16300000 kB\nMemFree: 1 kB\nSwapTotal:       2097152 kB',
  '/proc/self/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate,favordynmods 0 0',
  '/proc/sys/kernel/osrelease': '6.1.0',
  '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance',
  '/sys/devices/system/cpu/intel_pstate/no_turbo': '1',
  '/sys/devices/system/cpu/smt/control': 'off',
  '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never',
  '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc',
  '/sys/devices/system/cpu/vulnerabilities/meltdown': 'Mitigation: PTI',
  '/sys/devices/system/cpu/vulnerabilities/mds': 'Not affected',
};
const spawned = {
  cpu: {
    manufacturer: 'Intel',
    brand: 'Core',
    physicalCores: 2,
    cache: { l1d: 49_152, l2: 1_310_720, l3: '' as const },
  },
  os: { distro: 'Debian GNU/Linux', release: '12' },
  hypervisor: 'none',
};
const disk = { filesystem: 'ext4', device: 'nvme0n1', kind: 'nvme ssd' };
const facts = machineFacts((path) => files[path] ?? null, spawned, disk);

test('facts are flat, printable and from the right places', () => {
  assert.equal(facts, {
    cpuModel: '12th Gen Core',
    cpuFamilyModelStepping: '6/151/2',
    cpuMicrocode: '0x2e',
    cpuCores: 2,
    cpuThreads: 2,
    cacheL1dKiB: 48,
    cacheL2KiB: 1280,
    cacheL3KiB: null,
    memoryGiB: 16,
    memoryMiB: 15_918,
    swapMiB: 2048,
    kernel: '6.1.0',
    architecture: process.arch,
    distribution: 'Debian GNU/Linux 12',
    hypervisor: 'none',
    governor: 'performance',
    turbo: 'off',
    smt: 'off',
    transparentHugepages: 'madvise',
    cgroup: 'v2',
    favordynmods: true,
    clocksource: 'tsc',
    mitigations: 'meltdown: Mitigation: PTI',
    diskDevice: 'nvme0n1',
    diskKind: 'nvme ssd',
    filesystem: 'ext4',
    node: process.version,
  });
});

test('a machine that tells nothing gives nulls, not numbers', () => {
  const bare = machineFacts(() => null, spawned, disk);
  assert.equal(
    [bare['memoryMiB'], bare['governor'], bare['turbo'], bare['cpuThreads']],
    [null, null, null, null],
  );
  assert.is(bare['mitigations'], 'none reported');
});

test('the fingerprint changes with what must match, and with nothing else', () => {
  const print = fingerprintOf(facts);
  assert.match(print, /^[0-9a-f]{64}$/);
  for (const [name, value] of Object.entries({
    kernel: '6.2.0',
    governor: 'powersave',
    cpuMicrocode: '0x2f',
    favordynmods: false,
  }))
    assert.is.not(fingerprintOf({ ...facts, [name]: value }), print, name);
  assert.is(fingerprintOf({ ...facts, memoryMiB: 15_900, node: 'v22.0.0' }), print);
  assert.is(fingerprintOf(Object.fromEntries(Object.entries(facts).reverse())), print);
});

test('what differs is said by name', () => {
  assert.equal(fingerprintDifferences(facts, { ...facts, turbo: null, kernel: '6.2.0' }), [
    'kernel: 6.1.0 / 6.2.0',
    'turbo: off / unknown',
  ]);
});

test('cgroup layouts', () => {
  const v1 = 'cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0\n';
  const v2 = 'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n';
  const named = 'cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0\n';
  assert.equal(
    [v1, v2, v1 + v2, named + v2, named, ''].map((mounts) => cgroupLayout(mounts).layout),
    ['v1', 'v2', 'hybrid', 'v2', 'none', 'none'],
  );
  assert.ok(cgroupLayout('cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,favordynmods 0 0').favordynmods);
  assert.not.ok(cgroupLayout(v1 + v2).favordynmods);
});

test('the mount of a path is the longest above it, and the last of equals', () => {
  const mountinfo = [
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '30 27 0:30 / /var/cache rw - tmpfs tmpfs rw',
    '31 27 259:1 / /var/cache/my\\040disk rw shared:1 - xfs /dev/nvme0n1p1 rw',
    '32 27 0:31 / /home rw - btrfs /dev/sda rw',
    '33 27 8:1 / /home rw - ext4 /dev/sda1 rw',
  ].join('\n');
  assert.is(mountOf('/var/lib', mountinfo)?.filesystem, 'ext4');
  assert.is(mountOf('/var/cache/tare', mountinfo)?.filesystem, 'tmpfs');
  assert.is(mountOf('/var/cachet', mountinfo)?.filesystem, 'ext4');
  assert.equal(mountOf('/var/cache/my disk/x', mountinfo), {
    device: '259:1',
    point: '/var/cache/my disk',
    filesystem: 'xfs',
  });
  assert.is(mountOf('/home/me', mountinfo)?.device, '8:1');
  assert.is(mountOf('/x', ''), null);
});

test('a path that is not there yet lies on the disk of the folder above it', () => {
  assert.equal(diskOfPath('/proc/no/such/folder'), diskOfPath('/proc'));
  assert.is(diskOfPath('/proc').kind, 'unknown');
});

test('CPU lists of the kernel', () => {
  assert.equal([parseCpuList('0-2,5'), parseCpuList('3'), parseCpuList('')], [[0, 1, 2, 5], [3], []]);
  assert.equal(
    [parseCpuList('2-0'), parseCpuList('a'), parseCpuList('1,'), parseCpuList('-1')],
    [null, null, null, null],
  );
});

test('limits: the affinity, and the smaller of memory and the cgroup above us', () => {
  const told = {
    '/proc/self/status': 'Name:\tnode\nCpus_allowed:\tc\nCpus_allowed_list:\t2-3\n',
    '/proc/meminfo': 'MemTotal:        8388608 kB\n',
    '/proc/self/cgroup': '4:cpu,memory:/a/b\n0::/c\n',
    '/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes': '1073741824',
    '/sys/fs/cgroup/c/memory.max': 'max',
  } as Record<string, string>;
  const read = (path: string) => told[path] ?? null;
  assert.equal(hostLimits(read), { cpus: [2, 3], memoryMiB: 1024 });
  told['/sys/fs/cgroup/c/memory.max'] = '536870912';
  assert.is(hostLimits(read).memoryMiB, 512);
  told['/sys/fs/cgroup/c/memory.max'] = 'max';
  told['/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes'] = '9223372036854771712';
  assert.is(hostLimits(read).memoryMiB, 8192);
});

test('this machine is described, twice the same', async () => {
  const machine = machineSchema.parse(await readMachine('/tmp'));
  assert.is((await readMachine('/tmp')).fingerprint, machine.fingerprint);
  assert.ok(hostLimits().cpus.length >= 1 && hostLimits().memoryMiB > 64);
});

test.run();
