import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { deviceWrites } from '../../../runtimes/cgroup/device-rules.ts';
import { hierarchies, isUnified, layoutName, parseLayout } from '../../../runtimes/cgroup/layout.ts';
import { limitWrites, weightOfBlkio, weightOfShares } from '../../../runtimes/cgroup/limits.ts';
import { deviceRulesOf, limitsOfResources, parseCpuList } from '../../../runtimes/cgroup/oci-resources.ts';
import { parseBlkioBytes, parseIoStat } from '../../../runtimes/cgroup/read-cost.ts';
import { suite } from '../../suite.ts';

const test = suite('cgroups');

const V1 = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
`;
const HYBRID = `${V1}41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n`;
const V2 = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n';
const v1 = parseLayout(V1, () => '');
const hybrid = parseLayout(HYBRID, () => '\n');
const v2 = parseLayout(V2, () => 'cpuset cpu io memory pids\n');

test('v1, hybrid and v2 hosts are told apart', () => {
  assert.equal([layoutName(v1), layoutName(hybrid), layoutName(v2)], ['v1', 'hybrid', 'v2']);
  assert.is(layoutName(parseLayout('', () => '')), 'none');
});

test('controllers that share a hierarchy are one folder; systemd and an empty v2 are left alone', () => {
  const mounts = ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/cpuset', '/sys/fs/cgroup/memory'];
  assert.equal(hierarchies(v1), mounts);
  assert.equal(hierarchies(hybrid), mounts);
  assert.equal(hierarchies(v2), ['/sys/fs/cgroup']);
  assert.not(isUnified(hybrid));
});

const limits = {
  cpuset: [1, 3],
  memoryMiB: 512,
  pids: 64,
  cpus: 1.5,
  cpuShares: 1024,
  deviceLimits: [{ kind: 'wbps' as const, major: 8, minor: 0, rate: 1048576 }],
};
const lines = (layout: typeof v1): string[] =>
  limitWrites(layout, limits).map((write) => `${write.file}=${write.value}${write.optional ? '?' : ''}`);

test('limits as v1 files', () => {
  assert.equal(lines(v1), [
    'cpuset.cpus=1,3',
    'memory.limit_in_bytes=536870912',
    'memory.memsw.limit_in_bytes=536870912?',
    'cpu.shares=1024',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_quota_us=150000',
    'blkio.throttle.write_bps_device=8:0 1048576',
    'pids.max=64',
  ]);
});

test('the same limits as v2 files', () => {
  assert.equal(lines(v2), [
    'cpuset.cpus=1,3',
    'memory.max=536870912',
    'memory.swap.max=0?',
    'cpu.weight=39',
    'cpu.max=150000 100000',
    'io.max=8:0 wbps=1048576',
    'pids.max=64',
  ]);
});

test('shares and weights keep their ends and their order on v2', () => {
  assert.equal([weightOfShares(2), weightOfShares(262144)], [1, 10000]);
  assert.equal([weightOfBlkio(10), weightOfBlkio(1000)], [1, 10000]);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 262144 }), fc.integer({ min: 2, max: 262144 }), (a, b) => {
      if (a < b) assert.ok(weightOfShares(a) <= weightOfShares(b));
    }),
  );
});

test("OCI's resources become the same limits", () => {
  const got = limitsOfResources({
    cpu: { cpus: '1,3', quota: 150000, period: 100000, shares: 1024 },
    memory: { limit: 536870912 },
    pids: { limit: 64 },
    blockIO: { throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 1048576 }] },
  });
  assert.equal(limitWrites(v1, got), limitWrites(v1, limits));
  assert.equal(parseCpuList('0-2,5'), [0, 1, 2, 5]);
});

test('device rules in order, the defaults after what was asked', () => {
  const asked = deviceRulesOf({ devices: [{ allow: false, access: 'rwm' }] }) ?? [];
  const writes = deviceWrites(asked).map((write) => `${write.file} ${write.value}`);
  assert.equal(writes.slice(0, 4), [
    'devices.deny a',
    'devices.allow c *:* m',
    'devices.allow b *:* m',
    'devices.allow c 1:3 rwm',
  ]);
  assert.is(deviceRulesOf({}), null);
});

test('block I/O counters of both versions', () => {
  assert.equal(parseBlkioBytes('254:0 Read 4096\n254:0 Write 512\n254:16 Read 1\nTotal 4609\n'), {
    read: 4097,
    write: 512,
  });
  assert.equal(parseIoStat('8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=1 wbytes=2\n'), {
    read: 11,
    write: 22,
  });
});

test.run();
