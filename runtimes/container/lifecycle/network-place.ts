import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { etcFolder } from '../networks/etc-files.ts';
import { DEFAULT_NETWORK, findNetwork, type Network } from '../networks/network-store.ts';
import { freeAddress } from '../networks/subnets.ts';
import { dataRoot, findRecord, stateRoot, type ContainerRecord } from './record.ts';
import { USER_NETWORKS, userNetwork, type UserNetwork } from '../rootless/user-network.ts';
import type { StoredRequest } from './request.ts';

/** Where on the network a container is, settled. */
export type NetworkPlace = { etcFolder: string } & (
  | { kind: 'none' }
  | { kind: 'host' }
  | { kind: 'container'; namespacePath: string; of: string }
  | { kind: 'bridge'; network: Network; ipv4: number }
  /** An ordinary user's: a program carries the packets. */
  | { kind: 'user'; network: UserNetwork }
);

/**
 * The place a request asks for. With `address` the container has had one before; otherwise the lowest that is free among the
 * others.
 *
 * @throws BenchError `network-unknown`, `network-full`, `network-container`, `port-network`.
 */
export function networkPlace(
  request: Pick<StoredRequest, 'network' | 'ports' | 'nat'>,
  id: string,
  others: readonly ContainerRecord[],
  address?: number,
): NetworkPlace {
  const own = etcFolder(join(dataRoot(), id));
  const of = /^container:(.+)$/.exec(request.network)?.[1];
  if ((request.ports.length > 0 || request.nat) && !isBridge(request.network))
    throw new BenchError('port-network', `ports and NAT need a network; '${request.network}' is none`, {
      hint: '--network bridge, or one of bench container network ls',
    });
  if (request.network === 'none') return { kind: 'none', etcFolder: own };
  if (request.network === 'host') return { kind: 'host', etcFolder: own };
  if (of !== undefined) {
    const other = findRecord(of);
    if (other.phase !== 'made' || processStartTime(other.pid) !== other.startTime)
      throw new BenchError('network-container', `${other.name} is not running: it has no network to share`);
    return {
      kind: 'container',
      namespacePath: `/proc/${other.pid}/ns/net`,
      of: other.id,
      etcFolder: etcFolder(other.dataFolder),
    };
  }
  const user = USER_NETWORKS.find((each) => each === request.network);
  if (user)
    return { kind: 'user', network: userNetwork(user, request.ports, join(stateRoot(), id)), etcFolder: own };
  const network = findNetwork(request.network);
  if (network.internal && request.ports.length > 0)
    throw new BenchError('port-network', `${network.name} is internal: nothing of it can be published`);
  const taken = others.filter((each) => each.network === network.id).map((each) => each.address);
  return {
    kind: 'bridge',
    network,
    ipv4: address ?? freeAddress(network.subnet, taken),
    etcFolder: own,
  };
}

function isBridge(network: string): boolean {
  return network !== 'none' && network !== 'host' && !network.startsWith('container:');
}

/** For a plan that is only printed: the first address of the default network. */
export function printedPlace(request: StoredRequest, id: string): NetworkPlace {
  return request.network === DEFAULT_NETWORK.name
    ? {
        kind: 'bridge',
        network: DEFAULT_NETWORK,
        ipv4: freeAddress(DEFAULT_NETWORK.subnet, []),
        etcFolder: etcFolder(join(dataRoot(), id)),
      }
    : networkPlace(request, id, []);
}
