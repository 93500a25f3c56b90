import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import type { Op } from '../../launch/ops.ts';
import { INSIDE_LINK, MTU } from '../../network/defaults.ts';
import type { PortMapping } from './port-mapping.ts';
import { onPath } from './privilege.ts';

/** Programs that carry packets between a network namespace and the host's sockets, without privilege. */
export const USER_NETWORKS = ['pasta', 'slirp4netns'] as const;
export type UserNetworkKind = (typeof USER_NETWORKS)[number];

/** A /30 of the block reserved for benchmarking: it is seen by one container only, so all have the same. */
const INSIDE = '198.18.0.2';
const GATEWAY = '198.18.0.1';
const PREFIX = 30;
/** slirp4netns hands out .100 of a network it is given. */
const SLIRP_NETWORK = '198.18.0.0/24';
const SLIRP_INSIDE = '198.18.0.100';
const GO_SLOT = 19;
/** It takes some 50 ms; a machine under load is given more. */
const READY_TIMEOUT_MS = 10_000;

/** How a container gets a user-mode network. */
export interface UserNetwork {
  kind: UserNetworkKind;
  address: string;
  /** Before any namespace: the program waits there, outside, for the container's pid. */
  outside: Op[];
  /** In the waiting parent's part. */
  parent: Op[];
  /** slirp4netns takes ports on a socket once it runs. */
  apiSocket: string | null;
  ports: readonly PortMapping[];
}

/** The program's arguments. @PID@ is the container's first process. Pure. */
export function userNetworkArgv(
  kind: UserNetworkKind,
  program: string,
  ports: readonly PortMapping[],
  apiSocket: string,
): string[] {
  const namespaces = { user: '/proc/@PID@/ns/user', network: '/proc/@PID@/ns/net' };
  if (kind === 'slirp4netns')
    return [
      program,
      '--configure',
      `--mtu=${MTU}`,
      `--cidr=${SLIRP_NETWORK}`,
      // The host's own loopback is nobody's business inside.
      '--disable-host-loopback',
      '--disable-dns',
      ...(ports.length > 0 ? [`--api-socket=${apiSocket}`] : []),
      `--userns-path=${namespaces.user}`,
      '--netns-type=path',
      namespaces.network,
      INSIDE_LINK,
    ];
  const published = (protocol: 'tcp' | 'udp'): string[] => {
    const own = ports.filter((port) => port.protocol === protocol);
    return own.length === 0
      ? ['none']
      : own.map((port) => `${port.hostIp ? `${port.hostIp}/` : ''}${port.hostPort}:${port.containerPort}`);
  };
  const flags = (flag: string, values: string[]): string[] => values.flatMap((value) => [flag, value]);
  return [
    program,
    ...['--foreground', '--quiet', '--config-net', '--no-map-gw', '--ipv4-only'],
    ...['--address', INSIDE, '--netmask', String(PREFIX), '--gateway', GATEWAY],
    ...['--ns-ifname', INSIDE_LINK, '--mtu', String(MTU)],
    ...flags('--tcp-ports', published('tcp')),
    ...flags('--udp-ports', published('udp')),
    ...['--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--userns', namespaces.user, '--netns', namespaces.network],
  ];
}

/** The user-mode network that is used when nobody named one: the faster first; null when none is installed. */
export function installedUserNetwork(find: (name: string) => string | null = onPath): UserNetworkKind | null {
  return USER_NETWORKS.find((kind) => find(kind) !== null) ?? null;
}

/**
 * @throws BenchError `user-network-missing`, `user-network-tun`.
 */
export function userNetwork(
  kind: UserNetworkKind,
  ports: readonly PortMapping[],
  stateFolder: string,
): UserNetwork {
  const program = onPath(kind);
  if (program === null)
    throw new BenchError(
      'user-network-missing',
      `${kind} is not installed, so the container has no network`,
      {
        hint: `apt-get install -y --no-install-recommends ${kind === 'pasta' ? 'passt' : kind}, or --network none or host`,
      },
    );
  const apiSocket = `${stateFolder}/slirp`;
  return {
    kind,
    address: kind === 'pasta' ? INSIDE : SLIRP_INSIDE,
    apiSocket: kind === 'slirp4netns' && ports.length > 0 ? apiSocket : null,
    ports,
    outside: [
      {
        op: 'beside',
        slot: GO_SLOT,
        argv: userNetworkArgv(kind, program, ports, apiSocket),
        env: ['PATH=/usr/bin:/bin'],
        log: networkLog(stateFolder),
      },
    ],
    parent: [{ op: 'beside-go', slot: GO_SLOT }],
  };
}

export function networkLog(stateFolder: string): string {
  return `${stateFolder}/network.log`;
}

/** slirp4netns takes ports on its socket, one request each. */
async function publishBySlirp(socket: string, ports: readonly PortMapping[]): Promise<void> {
  for (const port of ports) {
    const request = {
      execute: 'add_hostfwd',
      arguments: {
        proto: port.protocol,
        host_addr: port.hostIp ?? '0.0.0.0',
        host_port: port.hostPort,
        guest_addr: SLIRP_INSIDE,
        guest_port: port.containerPort,
      },
    };
    const answer = await ask(socket, JSON.stringify(request));
    if (/"error"/.test(answer))
      throw new BenchError(
        'user-network-failed',
        `slirp4netns did not publish port ${port.hostPort}: ${answer.trim()}`,
        {
          hint: 'the port is taken, or below 1024, which only root may open',
        },
      );
  }
}

function ask(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    socket.on('connect', () => socket.end(request));
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

/** Resolves when the link is there, with its address. @throws BenchError `user-network-failed` with the program's last words. */
export async function awaitUserNetwork(
  network: UserNetwork,
  pid: number,
  stateFolder: string,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (read(`/proc/${pid}/net/route`)?.includes(`${INSIDE_LINK}\t00000000\t`)) break;
    const words = (read(networkLog(stateFolder)) ?? '').trim();
    if (!existsSync(`/proc/${pid}`) || Date.now() > deadline || FATAL.test(words))
      throw new BenchError(
        'user-network-failed',
        `${network.kind} did not connect the container: ${lastLine(words) || 'it said nothing'}`,
        { hint: hintOf(words) },
      );
    await sleep(5);
  }
  if (network.apiSocket !== null) await publishBySlirp(network.apiSocket, network.ports);
}

const FATAL = /fail|error|denied|couldn't|cannot|can't|in use|not permitted/i;

function hintOf(words: string): string {
  if (/tun|TUN/.test(words) || !tunUsable())
    return 'as root: chmod 666 /dev/net/tun (as udev does), so that users can make links of their own';
  if (/in use|bind|port/i.test(words)) return 'the port is taken, or below 1024, which only root may open';
  return '--network host or none do without it';
}

function tunUsable(): boolean {
  return ((statSync('/dev/net/tun', { throwIfNoEntry: false })?.mode ?? 0) & 0o006) === 0o006;
}

function lastLine(words: string): string {
  return words.split('\n').at(-1) ?? '';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
