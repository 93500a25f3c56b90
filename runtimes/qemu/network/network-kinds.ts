/** How a guest's card reaches its peer. */
export const NETWORK_KINDS = ['tap', 'bridge', 'passt', 'user'] as const;
export type NetworkKind = (typeof NETWORK_KINDS)[number];

/** What is known of a kind of network before any machine is made. */
export interface KindFacts {
  /** What packets cross, for the cell's name. */
  path: string;
  /** What a page prints when it is not the default. */
  label: string;
  /** Through a tap: may have several queues and vhost-net. */
  tap: boolean;
  /** Largest MTU of the path, bytes, and why. */
  maxMtu: number;
  mtuLimit: string;
}

export const KIND_FACTS: Record<NetworkKind, KindFacts> = {
  tap: { path: 'tap', label: 'tap', tap: true, maxMtu: 65_521, mtuLimit: "a tap's largest" },
  bridge: {
    path: 'tap + bridge',
    label: 'bridge',
    tap: true,
    maxMtu: 65_521,
    mtuLimit: "a tap's largest",
  },
  passt: { path: 'passt', label: 'passt', tap: false, maxMtu: 65_520, mtuLimit: "passt's largest" },
  user: { path: 'slirp', label: 'slirp', tap: false, maxMtu: 1500, mtuLimit: 'slirp sends no larger' },
};

/** The options of the network alone. */
export interface NetworkOptions {
  network: NetworkKind;
  vhost: 'auto' | 'on' | 'off';
  queues: number;
  mtu: number;
}

/** The packets' way, as it stands beside every number; vhost-net is part of it when it is really used. */
export function pathOf(options: NetworkOptions, vhostInUse: boolean): string {
  return ['virtio-net', ...(vhostInUse ? ['vhost-net'] : []), KIND_FACTS[options.network].path].join(' + ');
}

/** Options that contradict each other: the option's name and what is wrong with it. */
export function networkContradictions(options: NetworkOptions): [keyof NetworkOptions, string][] {
  const { network, vhost, queues, mtu } = options;
  const { tap, maxMtu, mtuLimit } = KIND_FACTS[network];
  const wrong: [keyof NetworkOptions, string][] = [];
  if (!tap && vhost === 'on') wrong.push(['vhost', `vhost-net serves a tap; network ${network} has none`]);
  if (!tap && queues > 1)
    wrong.push(['queues', `several queues need a tap; network ${network} has one queue`]);
  if (mtu > maxMtu) wrong.push(['mtu', `network ${network} takes at most ${maxMtu} (${mtuLimit})`]);
  return wrong;
}
