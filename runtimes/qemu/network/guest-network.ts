import { BenchError } from '../../../results/bench-error.ts';
import type { Op } from '../../launch/ops.ts';
import {
  createPeerNetwork,
  type PeerLink,
  type PeerNetwork,
  type PeerNetworkRequest,
} from '../../network/peer-network.ts';
import type { Netdev } from './netdev.ts';
import type { NetworkOptions } from './network-kinds.ts';
import { startPasst } from './passt.ts';

/** A guest's network: the peer's namespace, and what QEMU's card is connected to in it. */
export interface GuestNetwork extends PeerNetwork {
  netdev: Netdev;
}

export interface GuestNetworkRequest extends Omit<PeerNetworkRequest, 'link' | 'mtu'> {
  options: NetworkOptions;
  vhost: boolean;
  /** A path for the socket of the process between QEMU and the namespace, where there is one. */
  socket: string;
  /** Operations that put such a process into the VM's cgroup and on its CPUs: its work is the VM's cost. */
  launchOps: Op[];
}

/** Makes the namespace with its links, and the process in between; nothing is left when one of them fails. */
export async function makeGuestNetwork(request: GuestNetworkRequest): Promise<GuestNetwork> {
  const { options, vhost, socket, launchOps, ...rest } = request;
  const network = await createPeerNetwork({ ...rest, link: linkOf(options), mtu: options.mtu });
  const { subnet, prefix, tapName, namespacePath } = network;
  if (options.network === 'user') {
    const net = { subnet: `${subnet.inside}/${prefix}`, gateway: subnet.peer, guest: subnet.inside };
    return { ...network, netdev: { kind: 'user', net } };
  }
  if (tapName !== null)
    return { ...network, netdev: { kind: 'tap', tapName, vhost, queues: options.queues } };
  try {
    const { launcher } = rest;
    const { mtu } = options;
    const passt = await startPasst({ launcher, socket, namespacePath, subnet, prefix, mtu, launchOps });
    return {
      ...network,
      netdev: { kind: 'stream', path: socket },
      async destroy() {
        await passt.stop('SIGKILL');
        await network.destroy();
      },
    };
  } catch (cause) {
    await network.destroy();
    throw cause instanceof BenchError ? cause : new BenchError('vm-network-failed', String(cause), { cause });
  }
}

function linkOf(options: NetworkOptions): PeerLink {
  switch (options.network) {
    case 'tap':
    case 'bridge':
      return { kind: options.network, queues: options.queues };
    case 'passt':
      return { kind: 'gateway' };
    case 'user':
      return { kind: 'none' };
  }
}
