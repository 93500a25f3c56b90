import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../contract.ts';
import { CLONE, MNT_DETACH } from '../launch/constants.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';
import {
  BRIDGE_LINK,
  INSIDE_LINK,
  MTU,
  NETNS_FOLDER,
  PEER_LINK,
  SUBNET_PREFIX,
  TAP_LINK,
} from './defaults.ts';
import { openPeer } from './peer.ts';
import { nextSubnet, type Subnet } from './subnet.ts';

export interface PeerNetworkRequest {
  launcher: string;
  owner: string;
  trial: string;
  rootfs: string;
  housekeeping: readonly number[];
  link: PeerLink;
  /** Of the links that are made, bytes. */
  mtu?: number;
  signal?: AbortSignal;
}

/**
 * What is made in the namespace. 'tap': a tap for an emulator, the peer's address on it. 'bridge': the tap is a port of a
 * bridge and the address is the bridge's, as libvirt and docker arrange it. 'gateway': no tap; the address is on a link
 * with a default route, which is what passt takes for the way out. 'none': loopback alone, which slirp answers from.
 */
export type PeerLink = { kind: 'tap' | 'bridge'; queues: number } | { kind: 'gateway' } | { kind: 'none' };

/** A network namespace for the far side of one instance, and nothing else in it. */
export interface PeerNetwork {
  /** Name for `ip netns`. */
  name: string;
  /** Path to enter it by (setns). An emulator with a tap must be started in it: its interface is `tapName`. */
  namespacePath: string;
  tapName: string | null;
  subnet: Subnet;
  prefix: number;
  mtu: number;
  peer: Peer;
  /** Idempotent. Ends the peer's processes and removes the namespace with all its links. */
  destroy(): Promise<void>;
}

/** Makes the namespace and what was asked for in it, up. */
export async function createPeerNetwork(request: PeerNetworkRequest): Promise<PeerNetwork> {
  const name = `${request.owner}-${request.trial}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 200);
  const namespacePath = join(NETNS_FOLDER, name);
  const subnet = nextSubnet(request.owner);
  mkdirSync(NETNS_FOLDER, { recursive: true });
  const { launcher, rootfs, housekeeping, signal, link, mtu = MTU } = request;
  const tapName = link.kind === 'tap' || link.kind === 'bridge' ? TAP_LINK : null;
  await runPlan({ launcher, signal, plan: namespacePlan(namespacePath, link, subnet, mtu) });
  const { peer, stopAll } = openPeer(subnet.peer, { launcher, rootfs, housekeeping, namespacePath });
  return {
    name,
    namespacePath,
    tapName,
    subnet,
    prefix: SUBNET_PREFIX,
    mtu,
    peer,
    async destroy() {
      await stopAll();
      await removeNamespace(launcher, namespacePath);
    },
  };
}

/** Unpins a namespace; with its last process gone the kernel removes it and every link in it. Idempotent. */
export async function removeNamespace(launcher: string, namespacePath: string): Promise<void> {
  await runPlan({ launcher, plan: [{ op: 'unmount', path: namespacePath, flags: MNT_DETACH }] });
  rmSync(namespacePath, { force: true });
}

function namespacePlan(path: string, link: PeerLink, subnet: Subnet, mtu: number): LaunchPlan {
  return [
    diesWithUs(),
    { op: 'unshare', flags: CLONE.NEWNET },
    { op: 'netlink', slot: 0, namespace: '' },
    { op: 'link-up', slot: 0, name: 'lo' },
    ...linkOps(link, subnet, mtu),
    { op: 'pin-namespace', kind: 'net', path },
  ];
}

/** The links of the namespace, by netlink slot 0; pure, so that a test reads it. */
export function linkOps(link: PeerLink, subnet: Subnet, mtu: number): Op[] {
  const up = (name: string): Op[] => [
    ...(mtu === MTU ? [] : [{ op: 'link-mtu', slot: 0, name, mtu } as const]),
    { op: 'link-up', slot: 0, name },
  ];
  const address = (name: string): Op => ({
    op: 'address',
    slot: 0,
    name,
    ipv4: subnet.peerNumber,
    prefix: SUBNET_PREFIX,
  });
  if (link.kind === 'none') return [];
  if (link.kind === 'gateway')
    return [
      { op: 'bridge', slot: 0, name: BRIDGE_LINK },
      address(BRIDGE_LINK),
      ...up(BRIDGE_LINK),
      { op: 'route', slot: 0, gateway: subnet.insideNumber, reserved: 0 },
    ];
  const tap: Op = {
    op: 'tap',
    name: TAP_LINK,
    vnetHeader: 1,
    owner: -1,
    multiQueue: link.queues > 1 ? 1 : 0,
  };
  if (link.kind === 'tap') return [tap, address(TAP_LINK), ...up(TAP_LINK)];
  return [
    tap,
    { op: 'bridge', slot: 0, name: BRIDGE_LINK },
    { op: 'link-master', slot: 0, name: TAP_LINK, bridge: BRIDGE_LINK },
    ...up(TAP_LINK),
    address(BRIDGE_LINK),
    ...up(BRIDGE_LINK),
  ];
}

/**
 * Operations for a container's plan, before the clone: the waiting parent moves into a new namespace, which becomes the
 * peer's. It needs no name, no file and no process of its own, and goes when the parent goes. Slot 1 is its netlink.
 */
export function peerNamespaceOps(): Op[] {
  return [
    { op: 'unshare', flags: CLONE.NEWNET },
    { op: 'netlink', slot: 1, namespace: '' },
    { op: 'link-up', slot: 1, name: 'lo' },
  ];
}

/** Operations for the parent's part: the pair into the child's namespace, and the far end's address. */
export function vethParentOps(subnet: Subnet): Op[] {
  return [
    { op: 'veth', slot: 1, name: PEER_LINK, peerName: INSIDE_LINK, where: 1, mtu: MTU },
    { op: 'address', slot: 1, name: PEER_LINK, ipv4: subnet.peerNumber, prefix: SUBNET_PREFIX },
    { op: 'link-up', slot: 1, name: PEER_LINK },
  ];
}

/** Operations for inside, after the parent's part: loopback, the near end, the default route; slot 2. */
export function insideLinkOps(subnet: Subnet | null): Op[] {
  const loopback: Op[] = [
    { op: 'netlink', slot: 2, namespace: '' },
    { op: 'link-up', slot: 2, name: 'lo' },
  ];
  if (subnet === null) return loopback;
  return [
    ...loopback,
    {
      op: 'address',
      slot: 2,
      name: INSIDE_LINK,
      ipv4: subnet.insideNumber,
      prefix: SUBNET_PREFIX,
    },
    { op: 'link-up', slot: 2, name: INSIDE_LINK },
    { op: 'route', slot: 2, gateway: subnet.peerNumber, reserved: 0 },
  ];
}
