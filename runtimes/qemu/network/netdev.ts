/** What QEMU's network card is connected to; everything its command line needs to know of it. */
export type Netdev =
  | { kind: 'tap'; tapName: string; vhost: boolean; queues: number }
  | { kind: 'user'; net: UserNet }
  /** A process that speaks Ethernet frames on a unix socket (passt). */
  | { kind: 'stream'; path: string };

export interface UserNet {
  /** "198.18.0.0/30" and the addresses in it. */
  subnet: string;
  gateway: string;
  guest: string;
}

/** What the card is, beside what it is connected to. */
export interface Card {
  /** 'pci' cards have interrupt vectors and a boot ROM to leave out; virtio-mmio has neither. */
  transport: 'pci' | 'mmio';
  mac: string;
  mtu: number;
}

/** The backend and the card, as words of QEMU's command line. */
export function netdevWords(netdev: Netdev, card: Card): string[] {
  return ['-netdev', backendWords(netdev), '-device', cardWords(netdev, card)];
}

function backendWords(netdev: Netdev): string {
  switch (netdev.kind) {
    case 'tap': {
      const queues = netdev.queues > 1 ? `,queues=${netdev.queues}` : '';
      const vhost = `vhost=${netdev.vhost ? 'on' : 'off'}`;
      return `tap,id=net0,ifname=${netdev.tapName},script=no,downscript=no,${vhost}${queues}`;
    }
    case 'user':
      return `user,id=net0,ipv6=off,net=${netdev.net.subnet},host=${netdev.net.gateway},dhcpstart=${netdev.net.guest}`;
    case 'stream':
      return `stream,id=net0,server=off,addr.type=unix,addr.path=${netdev.path.replaceAll(',', ',,')}`;
  }
}

function cardWords(netdev: Netdev, card: Card): string {
  const queues = netdev.kind === 'tap' ? netdev.queues : 1;
  const pci = card.transport === 'pci';
  return [
    `virtio-net-${pci ? 'pci' : 'device'}`,
    'netdev=net0',
    `mac=${card.mac}`,
    ...(card.mtu === 1500 ? [] : [`host_mtu=${card.mtu}`]),
    ...(queues > 1 ? ['mq=on'] : []),
    // One vector a queue and direction, one for the control queue, one for changes of configuration.
    ...(queues > 1 && pci ? [`vectors=${2 * queues + 2}`] : []),
    ...(pci ? ['romfile='] : []),
  ].join(',');
}
