import { createHash } from 'node:crypto';
import { formatIpv4 } from '../launch/describe.ts';
import { BENCHMARK_NETWORK, SUBNETS } from './defaults.ts';

/** The two usable addresses of an instance's /30, as numbers and as printed. */
export interface Subnet {
  peerNumber: number;
  insideNumber: number;
  peer: string;
  inside: string;
}

/** The n-th /30 of the benchmarking block. */
export function subnet(index: number): Subnet {
  const base = (BENCHMARK_NETWORK + 4 * (index % SUBNETS)) >>> 0;
  return {
    peerNumber: base + 1,
    insideNumber: base + 2,
    peer: formatIpv4(base + 1),
    inside: formatIpv4(base + 2),
  };
}

const next = new Map<string, number>();

/**
 * The next /30 of an owner: owners start at places far apart, and an owner goes round only after 32768 instances. Every
 * pair lives in namespaces of its own, so that two owners with the same numbers would still not meet.
 */
export function nextSubnet(owner: string): Subnet {
  const start = createHash('sha256').update(owner).digest().readUInt16LE() % SUBNETS;
  const index = next.get(owner) ?? start;
  next.set(owner, (index + 1) % SUBNETS);
  return subnet(index);
}
