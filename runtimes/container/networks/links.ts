import { formatIpv4 } from '../../launch/describe.ts';
import type { LaunchPlan, Op } from '../../launch/ops.ts';
import { CLONE } from '../../launch/constants.ts';
import { diesWithUs } from '../../launch/launch.ts';
import { INSIDE_LINK, MTU } from '../../network/defaults.ts';
import { bridgeName, namespacePath, type Network } from './network-store.ts';
import { gatewayOf } from './subnets.ts';

/** A container's link to a bridge: the host and others on it reach the container. */
export interface BridgeLink {
  address: string;
  parent: Op[];
  inside: Op[];
}

/**
 * Operations for the waiting parent and for inside. The bridge is made on the way, with its address: each step is fine with
 * finding it done, so that it does not matter who comes first or what a killed one left.
 */
export function bridgeLink(id: string, network: Network, ipv4: number): BridgeLink {
  const name = `tv${id.slice(0, 10)}`;
  const bridge = bridgeName(network);
  const gateway = gatewayOf(network.subnet);
  const { prefix } = network.subnet;
  const namespace = namespacePath(network);
  return {
    address: formatIpv4(ipv4),
    parent: [
      { op: 'netlink', slot: 1, namespace: namespace ?? '' },
      { op: 'bridge', slot: 1, name: bridge },
      ...(namespace === null
        ? [{ op: 'address', slot: 1, name: bridge, ipv4: gateway, prefix } as const]
        : []),
      { op: 'link-up', slot: 1, name: bridge },
      { op: 'veth', slot: 1, name, peerName: INSIDE_LINK, where: 1, mtu: MTU },
      { op: 'link-master', slot: 1, name, bridge },
      { op: 'link-up', slot: 1, name },
    ],
    inside: [
      { op: 'netlink', slot: 2, namespace: '' },
      { op: 'link-up', slot: 2, name: 'lo' },
      { op: 'address', slot: 2, name: INSIDE_LINK, ipv4, prefix },
      { op: 'link-up', slot: 2, name: INSIDE_LINK },
      ...(namespace === null ? [{ op: 'route', slot: 2, gateway, reserved: 0 } as const] : []),
    ],
  };
}

/** The namespace of an internal network, pinned on a file. */
export function namespacePlan(path: string): LaunchPlan {
  return [diesWithUs(), { op: 'unshare', flags: CLONE.NEWNET }, { op: 'pin-namespace', kind: 'net', path }];
}

/** Takes bridges away that nobody is on; one that is gone is fine. */
export function removeBridgesPlan(names: readonly string[]): LaunchPlan {
  return [
    { op: 'netlink', slot: 1, namespace: '' },
    ...names.map((name): Op => ({ op: 'link-delete', slot: 1, name })),
  ];
}
