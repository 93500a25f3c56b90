import { execa } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Resources } from '../../../../results/record/plan.ts';
import { listCgroups } from '../../../../runtimes/cgroup/cgroup.ts';
import type { QemuInstance } from '../../../../runtimes/qemu/qemu-instance.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** Every network that a VM can have, on real guests: traffic is seen where the cell's name says that it flows. */
const test = suite('networks of virtual machines (emulated)');
let setting: VmSetting;

/** Larger than Ethernet's 1500, so that a path that is narrower anywhere cuts it in pieces. */
const JUMBO = 9000;
const DATAGRAM = 8900;
const DATAGRAMS = 300;

test.before(async () => {
  setting = await openVmSetting('net');
});

test.after(async () => {
  await setting?.close();
});

async function withVm(
  options: Record<string, unknown>,
  use: (vm: QemuInstance, far: FarSide) => Promise<void>,
  resources: Resources = setting.resources,
): Promise<void> {
  const prepared = await setting.prepare({ diskMiB: 128, ...options });
  const vm = (await prepared.start('r0-net', resources)) as QemuInstance;
  try {
    const name = (await readdir('/run/netns')).find((each) => each.startsWith(setting.context.owner)) ?? '';
    await use(vm, farSide(name));
  } finally {
    await vm.destroy();
  }
  const left = await readdir('/run/netns');
  assert.not(
    left.some((each) => each.startsWith(setting.context.owner)),
    left.join(),
  );
  assert.equal(
    listCgroups().filter(({ owner }) => owner === setting.context.owner),
    [],
    'no process between the guest and its peer is left in a cgroup',
  );
}

interface Link {
  ifname: string;
  mtu: number;
  master?: string;
  stats64: { rx: { bytes: number; packets: number }; tx: { bytes: number; packets: number } };
}

interface FarSide {
  links(): Promise<Map<string, Link>>;
}

/** The peer's namespace, looked at from outside by iproute2. */
function farSide(namespace: string): FarSide {
  return {
    async links() {
      const { stdout } = await execa('ip', ['-n', namespace, '-j', '-s', 'link']);
      return new Map((JSON.parse(stdout) as Link[]).map((link) => [link.ifname, link]));
    },
  };
}

interface Report {
  error?: string;
  start?: { tcp_mss_default?: number };
  end?: { sum_received?: { bytes: number }; sum?: { packets: number; lost_packets: number } };
}

/** iperf3 against the peer, the report of the guest's side. */
async function iperf(vm: QemuInstance, ...words: string[]): Promise<Report> {
  const server = await vm.network.peer.spawn(['iperf3', '-s', '-1', '--forceflush']);
  try {
    for (let look = 0; !/listening/.test(server.output()) && look < 200; look++) await sleep(10);
    const client = ['iperf3', '-c', vm.network.peer.address, '-J', ...words];
    const result = await vm.exec(client, { timeoutMs: 30_000 });
    const report = JSON.parse(result.stdout) as Report;
    assert.is(report.error, undefined);
    return report;
  } finally {
    await server.stop();
  }
}

const inside = async (vm: QemuInstance, script: string): Promise<string> =>
  (await vm.exec(['sh', '-c', script])).stdout;

/** Packets that the guest's card has sent, as the guest counts. */
const sentInside = async (vm: QemuInstance): Promise<number> =>
  Number(await inside(vm, 'cat /sys/class/net/eth0/statistics/tx_packets'));

/** UDP datagrams nearly as large as the MTU, out of the guest: each is one packet only where the whole path takes it. */
async function datagramsStayWhole(vm: QemuInstance, far?: () => Promise<number>): Promise<void> {
  assert.is((await inside(vm, 'cat /sys/class/net/eth0/mtu')).trim(), String(JUMBO));
  const before = { inside: await sentInside(vm), far: (await far?.()) ?? 0 };
  const words = ['-u', '-b', '40M', '-l', String(DATAGRAM), '-k', String(DATAGRAMS)];
  const { end } = await iperf(vm, ...words);
  assert.is(end?.sum?.packets, DATAGRAMS);
  assert.ok((end?.sum?.lost_packets ?? DATAGRAMS) < DATAGRAMS / 2, 'they arrive');
  // iperf3's control connection and ARP are a few dozen packets; in pieces it would be six times as many.
  const sent = (await sentInside(vm)) - before.inside;
  assert.ok(sent >= DATAGRAMS && sent < 2 * DATAGRAMS, `${sent} packets left the guest`);
  if (!far) return;
  const received = (await far()) - before.far;
  assert.ok(
    received >= DATAGRAMS / 2 && received < 2 * DATAGRAMS,
    `${received} packets reached the far side`,
  );
}

test('tap, 9000 bytes, two queues on two vCPUs: every queue has its own interrupt and carries traffic', async () => {
  const resources: Resources = { ...setting.resources, cpus: 2, cpuset: [0, 1], housekeeping: [] };
  setting.context.resources = resources;
  try {
    const options = { network: 'tap', mtu: JUMBO, queues: 2, start: 'cold' };
    await withVm(
      options,
      async (vm, far) => {
        assert.is(
          vm.network.path,
          existsSync('/dev/vhost-net') ? 'virtio-net + vhost-net + tap' : 'virtio-net + tap',
        );
        assert.is(vm.network.mtu, JUMBO);
        assert.is(vm.facts().networkQueues, 2);
        assert.is(await inside(vm, 'ls /sys/class/net/eth0/queues'), 'rx-0\nrx-1\ntx-0\ntx-1\n');
        const tap = async (): Promise<Link | undefined> => (await far.links()).get('tap0');
        assert.is((await tap())?.mtu, JUMBO);
        const report = await iperf(vm, '-t', '1', '-P', '8', '-R');
        const received = report.end?.sum_received?.bytes ?? 0;
        assert.ok(
          received > 1e6 && ((await tap())?.stats64.tx.bytes ?? 0) >= received,
          'all of it went by the tap',
        );
        const interrupts = await inside(vm, "grep -- '-input\\.' /proc/interrupts");
        const perQueue = interrupts
          .trim()
          .split('\n')
          .map((line) => {
            const [, ...words] = line.trim().split(/\s+/);
            return Number(words[0]) + Number(words[1]);
          });
        assert.is(perQueue.length, 2, interrupts);
        assert.ok(
          perQueue.every((count) => count > 0),
          interrupts,
        );
        await datagramsStayWhole(vm, async () => (await tap())?.stats64.rx.packets ?? 0);
      },
      resources,
    );
  } finally {
    setting.context.resources = setting.resources;
  }
});

test('bridge: the tap is its port, the peer its address, and every packet crosses both', async () => {
  await withVm({ network: 'bridge', mtu: JUMBO, start: 'cold' }, async (vm, far) => {
    assert.match(vm.network.path, /tap \+ bridge$/);
    const links = await far.links();
    assert.is(links.get('tap0')?.master, 'br0');
    assert.is(links.get('br0')?.mtu, JUMBO);
    const report = await iperf(vm, '-t', '1');
    const received = report.end?.sum_received?.bytes ?? 0;
    assert.ok(received > 1e6);
    const after = await far.links();
    for (const name of ['tap0', 'br0'])
      assert.ok((after.get(name)?.stats64.rx.bytes ?? 0) >= received, `${name} carried all of it`);
    await datagramsStayWhole(vm, async () => (await far.links()).get('br0')?.stats64.rx.packets ?? 0);
  });
});

test('passt: a process of the VM’s cgroup carries it to sockets in the peer’s namespace, large packets too', async () => {
  await withVm({ network: 'passt', mtu: JUMBO }, async (vm, far) => {
    assert.is(vm.network.path, 'virtio-net + passt');
    const [cgroup] = listCgroups().filter(({ owner }) => owner === setting.context.owner);
    assert.ok(cgroup);
    const children = await childrenNamed('passt');
    assert.is(children.length, 1, 'one passt of ours runs');
    assert.match(readFileSync(`/proc/${children[0]}/cgroup`, 'utf8'), new RegExp(setting.context.owner));
    const before = (await far.links()).get('lo')?.stats64.rx.bytes ?? 0;
    const report = await iperf(vm, '-t', '1', '-R');
    const received = report.end?.sum_received?.bytes ?? 0;
    const links = await far.links();
    assert.ok(received > 1e6 && (links.get('lo')?.stats64.rx.bytes ?? 0) - before >= received);
    assert.is(links.has('tap0'), false, 'there is no tap that it could have gone by');
    await datagramsStayWhole(vm);
  });
  assert.equal(await childrenNamed('passt'), [], 'passt ended with its VM');
});

test('slirp: QEMU itself opens the sockets in the peer’s namespace', async () => {
  await withVm({ network: 'user', start: 'cold' }, async (vm, far) => {
    assert.is(vm.network.path, 'virtio-net + slirp');
    const report = await iperf(vm, '-t', '1');
    const received = report.end?.sum_received?.bytes ?? 0;
    const links = await far.links();
    assert.ok(received > 1e6 && (links.get('lo')?.stats64.rx.bytes ?? 0) >= received);
    assert.equal([...links.keys()], ['lo']);
    assert.equal(await childrenNamed('passt'), []);
  });
});

test('what this host or these resources cannot give is refused before anything is made, with what would mend it', async () => {
  const refused = async (options: Record<string, unknown>): Promise<{ code: string; hint?: string }> => {
    const error = await setting.prepare(options).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string; hint?: string },
    );
    assert.ok(error, JSON.stringify(options));
    assert.ok(error?.hint);
    return error ?? { code: '' };
  };
  assert.is((await refused({ queues: 2 })).code, 'vm-queues');
  if (existsSync('/dev/vhost-net')) return;
  const vhost = await refused({ vhost: 'on' });
  assert.is(vhost.code, 'vm-vhost-missing');
  assert.match(String(vhost.hint), /modprobe vhost_net/);
});

/** Processes of that name that descend from this one. */
async function childrenNamed(name: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (!stat.includes(`(${name}`)) continue;
      if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(setting.context.owner))
        found.push(Number(pid));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

test.run();
