import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../contract.ts';
import { CLONE, MNT_DETACH } from '../launch/constants.ts';
import { diesWithUs, runPlan } from '../launch/launch.ts';
import type { LaunchPlan, Op } from '../launch/ops.ts';
import { INSIDE_LINK, MTU, NETNS_FOLDER, PEER_LINK, SUBNET_PREFIX, TAP_LINK } from './defaults.ts';
import { openPeer } from './peer.ts';
import { nextSubnet, type Subnet } from './subnet.ts';

export interface PeerNetworkRequest {
  launcher: string;
  owner: string;
  trial: string;
  rootfs: string;
  housekeeping: readonly number[];
  /** 'tap': a tap is made in it for an emulator. 'veth': nothing is; whoever needs a link makes it. */
  link: 'veth' | 'tap';
  signal?: AbortSignal;
}

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

/** Makes the namespace; with 'tap' also the tap, with the peer's address on it, up. */
export async function createPeerNetwork(request: PeerNetworkRequest): Promise<PeerNetwork> {
  const name = `${request.owner}-${request.trial}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 200);
  const namespacePath = join(NETNS_FOLDER, name);
  const subnet = nextSubnet(request.owner);
  mkdirSync(NETNS_FOLDER, { recursive: true });
  const tapName = request.link === 'tap' ? TAP_LINK : null;
  const { launcher, rootfs, housekeeping, signal } = request;
  await runPlan({ launcher, signal, plan: namespacePlan(namespacePath, tapName, subnet) });
  const { peer, stopAll } = openPeer(subnet.peer, { launcher, rootfs, housekeeping, namespacePath });
  return {
    name,
    namespacePath,
    tapName,
    subnet,
    prefix: SUBNET_PREFIX,
    mtu: MTU,
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

function namespacePlan(path: string, tapName: string | null, subnet: Subnet): LaunchPlan {
  return [
    diesWithUs(),
    { op: 'unshare', flags: CLONE.NEWNET },
    { op: 'netlink', slot: 0, namespace: '' },
    { op: 'link-up', slot: 0, name: 'lo' },
    ...(tapName === null
      ? []
      : ([
          { op: 'tap', name: tapName, vnetHeader: 1, owner: -1 },
          { op: 'address', slot: 0, name: tapName, ipv4: subnet.peerNumber, prefix: SUBNET_PREFIX },
          { op: 'link-up', slot: 0, name: tapName },
        ] as const)),
    { op: 'pin-namespace', kind: 'net', path },
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
