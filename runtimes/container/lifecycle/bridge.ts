import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { formatIpv4 } from '../../launch/describe.ts';
import type { Op } from '../../launch/ops.ts';
import { INSIDE_LINK, MTU } from '../../network/defaults.ts';
import type { ContainerRecord, PublishedPort } from './record.ts';

/** The upper half of the benchmarking block; the lower one belongs to measured instances. */
const NETWORK = 0xc6130000;
const PREFIX = 16;
export const BRIDGE = 'tare0';
const GATEWAY = NETWORK + 1;

/** Link to a host-side bridge: the host and other containers reach it, and with NAT (ports) so does the outside. */
export interface BridgeLink {
  address: string;
  parent: Op[];
  inside: Op[];
}

/** The lowest address nobody has. */
export function freeAddress(taken: readonly (string | null)[]): number {
  for (let number = NETWORK + 2; number < NETWORK + 65534; number++)
    if (!taken.includes(formatIpv4(number))) return number;
  throw new BenchError('network-full', `every address of ${formatIpv4(NETWORK)}/${PREFIX} is taken`);
}

export function bridgeLink(id: string, ipv4: number): BridgeLink {
  const name = `tv${id.slice(0, 10)}`;
  return {
    address: formatIpv4(ipv4),
    parent: [
      { op: 'netlink', slot: 1, namespace: '' },
      { op: 'bridge', slot: 1, name: BRIDGE },
      { op: 'link-up', slot: 1, name: BRIDGE },
      { op: 'veth', slot: 1, name, peerName: INSIDE_LINK, where: 1, mtu: MTU },
      { op: 'link-master', slot: 1, name, bridge: BRIDGE },
      { op: 'link-up', slot: 1, name },
    ],
    inside: [
      { op: 'netlink', slot: 2, namespace: '' },
      { op: 'link-up', slot: 2, name: 'lo' },
      { op: 'address', slot: 2, name: INSIDE_LINK, ipv4, prefix: PREFIX },
      { op: 'link-up', slot: 2, name: INSIDE_LINK },
      { op: 'route', slot: 2, gateway: GATEWAY, reserved: 0 },
    ],
  };
}

/** Gives the bridge its address once; it stays for the next container. */
export function bridgeAddressOps(): Op[] {
  return [
    { op: 'netlink', slot: 1, namespace: '' },
    { op: 'bridge', slot: 1, name: BRIDGE },
    { op: 'link-up', slot: 1, name: BRIDGE },
    { op: 'address', slot: 1, name: BRIDGE, ipv4: GATEWAY, prefix: PREFIX },
  ];
}

/** The NAT rules of a container's ports, each marked with its id so that they can be taken away again. Pure. */
export function portRules(record: Pick<ContainerRecord, 'id' | 'address' | 'ports'>): string[][] {
  const mark = ['-m', 'comment', '--comment', `tare:${record.id}`];
  return record.ports.flatMap((port) => {
    const to = ['-j', 'DNAT', '--to-destination', `${record.address}:${port.containerPort}`];
    const match = [
      '-p',
      port.protocol,
      '--dport',
      String(port.hostPort),
      '-m',
      'addrtype',
      '--dst-type',
      'LOCAL',
    ];
    const back = ['-p', port.protocol, '-d', `${record.address}`, '--dport', String(port.containerPort)];
    return [
      ['PREROUTING', ...match, ...mark, ...to],
      ['OUTPUT', ...match, ...mark, ...to],
      ['POSTROUTING', ...back, '-s', '127.0.0.0/8', ...mark, '-j', 'MASQUERADE'],
    ];
  });
}

export async function publishPorts(record: ContainerRecord): Promise<void> {
  if (record.ports.length === 0) return;
  // Connections from the host to its own loopback address may leave by the bridge.
  writeFileSync(`/proc/sys/net/ipv4/conf/${BRIDGE}/route_localnet`, '1');
  for (const rule of portRules(record)) await iptables(['-A', ...rule]);
}

export async function unpublishPorts(record: ContainerRecord): Promise<void> {
  for (const rule of portRules(record)) await iptables(['-D', ...rule]).catch(() => undefined);
}

/** With the last container on it, the bridge goes too. */
export async function removeBridge(): Promise<void> {
  await execa('ip', ['link', 'delete', BRIDGE], { reject: false, timeout: 30_000 });
}

async function iptables(argv: string[]): Promise<void> {
  const result = await execa('iptables', ['-w', '-t', 'nat', ...argv], { reject: false, timeout: 30_000 });
  if (result.exitCode === 0) return;
  throw new BenchError('port-publish', `the port cannot be published: ${result.stderr || result.message}`, {
    hint: 'apt-get install -y --no-install-recommends iptables',
  });
}

/** `[host:]container[/protocol]`, as in -p. @throws BenchError `port-syntax`. */
export function parsePort(text: string): PublishedPort {
  const match = /^(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  const [hostPort, containerPort] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || hostPort < 1 || hostPort > 65535 || containerPort < 1 || containerPort > 65535)
    throw new BenchError('port-syntax', `'${text}' is not a port to publish`, {
      hint: 'host:container, e.g. -p 8080:80 or -p 5353:53/udp',
    });
  return { hostPort, containerPort, protocol: match[3] === 'udp' ? 'udp' : 'tcp' };
}
