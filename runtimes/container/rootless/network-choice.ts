import { BenchError } from '../../../results/bench-error.ts';
import type { PortMapping } from './port-mapping.ts';
import { USER_NETWORKS, type UserNetworkKind } from './user-network.ts';

export type RootlessNetwork = 'none' | 'host' | UserNetworkKind;

/**
 * What `--network` means for an ordinary user. Without a word: the user-mode network that is installed, else none.
 * @throws BenchError `rootless-network`, `user-network-missing`, `rootless-ports`. Pure.
 */
export function rootlessNetwork(
  asked: string | undefined,
  ports: readonly PortMapping[],
  installed: UserNetworkKind | null,
): RootlessNetwork {
  const network = asked ?? installed ?? 'none';
  if (ports.length > 0 && asked === undefined && installed === null)
    throw new BenchError(
      'user-network-missing',
      'ports cannot be published: neither pasta nor slirp4netns is installed',
      {
        hint: 'apt-get install -y --no-install-recommends passt',
      },
    );
  const kind = USER_NETWORKS.find((each) => each === network);
  if (!kind && network !== 'none' && network !== 'host')
    throw new BenchError('rootless-network', `the network '${network}' cannot be used: ${whyNot(network)}`, {
      hint: 'an ordinary user has pasta, slirp4netns, host and none; -p works with the first two',
    });
  if (ports.length > 0 && !kind)
    throw new BenchError('rootless-ports', `ports cannot be published with --network ${network}`, {
      hint: network === 'host' ? 'the program listens on the host itself' : '--network pasta -p …',
    });
  const privileged = ports.find((port) => port.hostPort < 1024);
  if (privileged)
    throw new BenchError(
      'rootless-ports',
      `port ${privileged.hostPort} of the host is root's: those below 1024 are`,
      {
        hint: `-p ${privileged.hostPort + 8000}:${privileged.containerPort}, or as root: sysctl net.ipv4.ip_unprivileged_port_start=${privileged.hostPort}`,
      },
    );
  return kind ?? (network as 'none' | 'host');
}

function whyNot(network: string): string {
  return network.startsWith('container:')
    ? 'each container of an ordinary user is in a user namespace of its own, and so is its network'
    : "bridges are made in the host's network, which takes root";
}
