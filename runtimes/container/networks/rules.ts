import { formatBlock, type Block } from './subnets.ts';
import type { PublishedPort } from './ports.ts';

/** One container as the rules see it. */
export interface RuledContainer {
  id: string;
  address: string;
  bridge: string;
  subnet: Block;
  nat: boolean;
  ports: readonly PublishedPort[];
}

/** Our table; nothing of ours is anywhere else, so taking it away takes everything away. */
export const TABLE = 'ip tare';

/**
 * The whole table for the containers that live now, as one transaction of `nft -f`: the old one goes and the new one comes at
 * once. It is always derived from the records of containers and never edited, so that whatever a killed process left is put
 * right by the next one. Pure.
 *
 * Ports: from outside in prerouting, from the host itself in output; from its loopback the source must be rewritten, or the
 * answer would go to the container's own loopback. The way out is translated where asked; what is neither asked for nor an
 * answer is not forwarded. Where forwarding was turned on for us, nothing else is forwarded: for everybody else the host
 * routes as little as before (`exclusive`).
 */
export function rulesText(containers: readonly RuledContainer[], exclusive: boolean): string {
  const bridges = [...new Map(containers.map((each) => [each.bridge, each.subnet]))];
  const names = bridges.map(([name]) => `"${name}"`).join(', ');
  const dnat = containers.flatMap((each) => each.ports.map((port) => dnatRule(each, port)));
  const nat = containers.filter((each) => each.nat);
  const lines = [
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    '  chain guard {',
    '    type filter hook prerouting priority raw; policy accept;',
    // route_localnet makes loopback addresses routable on the bridge: nobody on it may use them (CVE-2020-8558).
    `    iifname { ${names} } ip daddr 127.0.0.0/8 drop`,
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    ...dnat,
    '  }',
    '  chain output {',
    '    type nat hook output priority -100; policy accept;',
    ...dnat,
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    ip saddr 127.0.0.0/8 oifname { ${names} } masquerade`,
    // A container that asks its own network by the host's port: the answer must come back the same way.
    ...bridges.map(
      ([name, subnet]) => `    ip saddr ${formatBlock(subnet)} oifname "${name}" ct status dnat masquerade`,
    ),
    ...nat.map(
      (each) => `    ip saddr ${each.address} oifname != "${each.bridge}" masquerade comment "${each.id}"`,
    ),
    '  }',
    '  chain forward {',
    `    type filter hook forward priority filter; policy ${exclusive ? 'drop' : 'accept'};`,
    '    ct state established,related accept',
    '    ct status dnat accept',
    ...bridges.map(([name]) => `    iifname "${name}" oifname "${name}" accept`),
    ...nat.map(
      (each) =>
        `    iifname "${each.bridge}" oifname != { ${names} } ip saddr ${each.address} accept comment "${each.id}"`,
    ),
    `    iifname { ${names} } drop`,
    `    oifname { ${names} } drop`,
    '  }',
    '}',
  ];
  return lines.join('\n') + '\n';
}

/** Taken away whole; adding first makes that idempotent. */
export const NO_RULES = `add table ${TABLE}\ndelete table ${TABLE}\n`;

function dnatRule(container: RuledContainer, port: PublishedPort): string {
  const where =
    port.hostIp === null || port.hostIp === '0.0.0.0' ? 'fib daddr type local' : `ip daddr ${port.hostIp}`;
  const to = `${container.address}:${port.containerPort}`;
  return `    ${where} ${port.protocol} dport ${port.hostPort} dnat to ${to} comment "${container.id}"`;
}

/** Whether somebody must be forwarded to or from outside: by NAT, or by a port that not only the host itself can reach. */
export function needsForwarding(containers: readonly RuledContainer[]): boolean {
  return containers.some(
    (each) => each.nat || each.ports.some((port) => port.hostIp === null || !port.hostIp.startsWith('127.')),
  );
}
