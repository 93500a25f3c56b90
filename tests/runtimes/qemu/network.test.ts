import * as assert from 'uvu/assert';
import type { BenchError } from '../../../results/bench-error.ts';
import { linkOps, type PeerLink } from '../../../runtimes/network/peer-network.ts';
import { subnet } from '../../../runtimes/network/subnet.ts';
import { checkNetwork, vhostInUse, type NetworkHost } from '../../../runtimes/qemu/network/check-network.ts';
import { netdevWords } from '../../../runtimes/qemu/network/netdev.ts';
import { pathOf } from '../../../runtimes/qemu/network/network-kinds.ts';
import { passtArgv } from '../../../runtimes/qemu/network/passt.ts';
import { labelOf, qemuOptionsSchema, type QemuOptions } from '../../../runtimes/qemu/options.ts';
import { suite } from '../../suite.ts';

const test = suite('networks of virtual machines: policy');
const options = (given: Record<string, unknown> = {}): QemuOptions => qemuOptionsSchema.parse(given);
const card = { transport: 'pci', mac: '52:54:00:00:00:01', mtu: 1500 } as const;
const tap = { kind: 'tap', tapName: 'tap0', vhost: false, queues: 1 } as const;

test('vhost-net is asked for by name on the command line, and only when it is wanted', () => {
  assert.match(netdevWords({ ...tap, vhost: true }, card).join(' '), /ifname=tap0,.*,vhost=on /);
  assert.match(netdevWords(tap, card).join(' '), /,vhost=off /);
  assert.is(vhostInUse(options(), true), true);
  assert.is(vhostInUse(options({ network: 'bridge' }), true), true);
  assert.is(vhostInUse(options({ vhost: 'off' }), true), false);
  assert.is(vhostInUse(options({ network: 'user' }), true), false, 'there is no tap to serve');
  assert.is(vhostInUse(options(), false), false);
  assert.is(pathOf(options(), true), 'virtio-net + vhost-net + tap');
  assert.is(pathOf(options({ network: 'bridge' }), false), 'virtio-net + tap + bridge');
});

test('a matrix that said vhost: true or false before still means the same', () => {
  assert.is(options({ vhost: true }).vhost, 'auto');
  assert.is(options({ vhost: false }).vhost, 'off');
});

test('several queues: the backend, the card, and an interrupt for each where there are interrupts to have', () => {
  const words = netdevWords({ ...tap, queues: 4 }, card).join(' ');
  assert.match(words, /^-netdev tap,.*,queues=4 -device virtio-net-pci,.*,mq=on,vectors=10,/);
  const mmio = netdevWords({ ...tap, queues: 4 }, { ...card, transport: 'mmio' }).join(' ');
  assert.match(mmio, /virtio-net-device,.*,mq=on$/);
  assert.not.match(netdevWords(tap, card).join(' '), /mq=on|vectors|queues/);
});

test('a socket’s path with a comma is one path', () => {
  const words = netdevWords({ kind: 'stream', path: '/a,b/n' }, { ...card, mtu: 9000 }).join(' ');
  assert.match(
    words,
    /^-netdev stream,id=net0,server=off,addr\.type=unix,addr\.path=\/a,,b\/n -device .*host_mtu=9000/,
  );
});

test('options of a network that contradict each other are refused', () => {
  const wrong: Record<string, unknown>[] = [
    { network: 'user', vhost: 'on' },
    { network: 'passt', vhost: 'on' },
    { network: 'passt', queues: 2 },
    { network: 'user', mtu: 1501 },
    { network: 'passt', mtu: 65_521 },
    { mtu: 65_522 },
    { queues: 0 },
    { network: 'macvtap' },
  ];
  for (const given of wrong)
    assert.is(qemuOptionsSchema.safeParse(given).success, false, JSON.stringify(given));
  assert.is(options({ network: 'passt', mtu: 65_520 }).mtu, 65_520);
});

test('a label names the network', () => {
  assert.is(
    labelOf(options({ network: 'bridge', queues: 2, vhost: 'off', mtu: 9000 })),
    'VM, qcow2, bridge, no vhost-net, 2 queues, MTU 9000',
  );
});

const HOST: NetworkHost = { vhostNet: true, passt: true, streamNetdev: true };
const refusal = (
  given: Record<string, unknown>,
  host: Partial<NetworkHost>,
  cpus = 1,
): BenchError | undefined => {
  try {
    checkNetwork(options(given), { ...HOST, ...host }, cpus);
    return undefined;
  } catch (error) {
    return error as BenchError;
  }
};

test('what the host cannot give is refused with a hint; what it can is not', () => {
  const cases: [string, Record<string, unknown>, Partial<NetworkHost>, RegExp][] = [
    ['vm-vhost-missing', { vhost: 'on' }, { vhostNet: false }, /modprobe/],
    ['vm-network-missing', { network: 'passt' }, { passt: false }, /apt-get install.* passt/],
    ['vm-network-missing', { network: 'passt' }, { streamNetdev: false }, /QEMU 7\.2/],
    ['vm-queues', { queues: 2 }, {}, /resources\.cpus/],
  ];
  for (const [code, given, host, hint] of cases) {
    const error = refusal(given, host);
    assert.is(error?.code, code);
    assert.match(error?.hint ?? '', hint);
  }
  assert.is(refusal({ vhost: 'on' }, {}), undefined);
  assert.is(refusal({ vhost: 'auto' }, { vhostNet: false }), undefined);
  assert.is(refusal({ network: 'passt' }, {}), undefined);
  assert.is(refusal({ queues: 2 }, {}, 2), undefined);
});

test('the links of the far side: the address lies where packets end, and every link has the MTU', () => {
  const words = (link: PeerLink, mtu: number): string[] =>
    linkOps(link, subnet(0), mtu).map((op) => [op.op, 'name' in op ? op.name : ''].join(' ').trim());
  assert.equal(words({ kind: 'none' }, 1500), []);
  assert.equal(words({ kind: 'tap', queues: 1 }, 1500), ['tap tap0', 'address tap0', 'link-up tap0']);
  assert.equal(words({ kind: 'bridge', queues: 1 }, 9000), [
    ...['tap tap0', 'bridge br0', 'link-master tap0', 'link-mtu tap0', 'link-up tap0'],
    ...['address br0', 'link-mtu br0', 'link-up br0'],
  ]);
  assert.equal(words({ kind: 'gateway' }, 1500), ['bridge br0', 'address br0', 'link-up br0', 'route']);
  const [several] = linkOps({ kind: 'tap', queues: 2 }, subnet(0), 1500);
  assert.ok(several?.op === 'tap' && several.multiQueue === 1);
});

test('passt lets nothing in by itself, ends with its client and reaches the peer’s own address', () => {
  const request = {
    launcher: '/l',
    socket: '/f/n',
    namespacePath: '/n',
    prefix: 30,
    mtu: 1500,
    launchOps: [],
  };
  const words = passtArgv({ ...request, subnet: subnet(0) }, '/f/n.pid').join(' ');
  assert.match(words, /--one-off/);
  assert.match(words, /--address 198\.18\.0\.2 --netmask 30 --gateway 198\.18\.0\.1/);
  assert.match(words, /--no-map-gw/);
  assert.match(words, /--tcp-ports none --udp-ports none/);
});

test.run();
