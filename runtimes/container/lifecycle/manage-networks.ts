import { BenchError } from '../../../results/bench-error.ts';
import { textTable } from '../images/view/human.ts';
import {
  bridgeName,
  defineNetwork,
  deleteNetwork,
  findNetwork,
  listNetworks,
  namespacePath,
  type Network,
  type NetworkRequest,
} from '../networks/network-store.ts';
import { formatBlock, gatewayOf } from '../networks/subnets.ts';
import { formatIpv4 } from '../../launch/describe.ts';
import { hostPrivilege } from '../rootless/privilege.ts';
import { announce } from './events.ts';
import { locked } from './lock.ts';
import { listRecords, type ContainerRecord } from './record.ts';
import { settleNetworks } from './settle.ts';
import { containerStatus } from './status.ts';

/** What `network inspect` prints. */
export interface NetworkView {
  name: string;
  id: string;
  createdAt: string;
  subnet: string;
  gateway: string | null;
  internal: boolean;
  nat: boolean;
  labels: Record<string, string>;
  /** Interface of the bridge; on the host, or in the namespace. It exists while somebody is on it. */
  bridge: string;
  namespace: string | null;
  containers: { id: string; name: string; address: string | null; aliases: string[]; status: string }[];
}

/** @throws BenchError of defineNetwork; `network-root`. */
export async function createNetwork(request: NetworkRequest): Promise<Network> {
  if (hostPrivilege().kind !== 'root')
    throw new BenchError('network-root', 'bridges are made in the host’s network, which takes root', {
      hint: 'an ordinary user shares the network of one container: --network container:NAME',
    });
  const network = await locked(() => Promise.resolve(defineNetwork(request)));
  announce({ type: 'network', id: network.id, name: network.name }, 'create');
  return network;
}

/** @throws BenchError `network-unknown`, `network-busy`, `network-default`. */
export async function removeNetwork(named: string): Promise<void> {
  const network = await locked(async () => {
    const found = findNetwork(named);
    if (found.id === 'bridge')
      throw new BenchError('network-default', 'the default network cannot be removed');
    const users = listRecords().filter((each) => each.network === found.id);
    if (users.length > 0)
      throw new BenchError(
        'network-busy',
        `${found.name} is the network of ${users.map((each) => each.name).join(', ')}`,
        { hint: `bench container rm -f ${users.map((each) => each.name).join(' ')}` },
      );
    deleteNetwork(found);
    await settleNetworks();
    return found;
  });
  announce({ type: 'network', id: network.id, name: network.name }, 'destroy');
}

/** Removes networks that no container has; hands back their names. */
export async function pruneNetworks(): Promise<string[]> {
  const used = new Set(listRecords().map((each) => each.network));
  const unused = listNetworks().filter((each) => each.id !== 'bridge' && !used.has(each.id));
  for (const each of unused) await removeNetwork(each.id);
  return unused.map((each) => each.name);
}

export function inspectNetwork(named: string): NetworkView {
  const network = findNetwork(named);
  const { name, id, createdAt, internal, nat, labels } = network;
  const members = listRecords().filter((each) => each.network === id);
  return {
    name,
    id,
    createdAt,
    subnet: formatBlock(network.subnet),
    gateway: internal ? null : formatIpv4(gatewayOf(network.subnet)),
    internal,
    nat,
    labels,
    bridge: bridgeName(network),
    namespace: namespacePath(network),
    containers: members.map(memberView),
  };
}

function memberView(record: ContainerRecord): NetworkView['containers'][number] {
  const { id, name, address, request } = record;
  return { id, name, address, aliases: request.aliases, status: containerStatus(record) };
}

export function networkTable(): string {
  const rows = listNetworks().map((each) => [
    each.id,
    each.name,
    formatBlock(each.subnet),
    each.internal ? 'internal' : each.nat ? 'nat' : 'host only',
  ]);
  return textTable([['ID', 'NAME', 'SUBNET', 'REACHES'], ...rows]);
}

export function networkViews(): NetworkView[] {
  return listNetworks().map((each) => inspectNetwork(each.id));
}
