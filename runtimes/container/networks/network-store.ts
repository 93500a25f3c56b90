import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { ownFolders } from '../rootless/folders.ts';
import { NETNS_FOLDER } from '../../network/defaults.ts';
import { chooseSubnet, formatBlock, overlaps, parseBlock, routedBlocks, type Block } from './subnets.ts';

/** Definitions of networks; their bridges exist only while somebody is on them. */
export function networksRoot(): string {
  return join(ownFolders().data, 'networks');
}

const networkSchema = z.object({
  schema: z.literal('tare.network/1'),
  id: z.string().regex(/^[0-9a-f]{12}$|^bridge$/),
  name: z.string(),
  createdAt: z.string(),
  subnet: z.object({ base: z.int(), prefix: z.int() }),
  /** Its bridge lives in a namespace of its own: no way to the host or out. */
  internal: z.boolean(),
  /** Its containers reach the outside under the host's address. */
  nat: z.boolean(),
  labels: z.record(z.string(), z.string()).default({}),
});
export type Network = z.infer<typeof networkSchema>;

/** The network of containers that name none: the upper half of the benchmarking block. */
export const DEFAULT_NETWORK: Network = {
  schema: 'tare.network/1',
  id: 'bridge',
  name: 'bridge',
  createdAt: new Date(0).toISOString(),
  subnet: { base: 0xc6130000, prefix: 16 },
  internal: false,
  nat: false,
  labels: {},
};

/** Words that mean something else than a network of one's own. */
const RESERVED = ['none', 'host', 'bridge', 'default', 'container'];
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/** The interface of a network's bridge, at most 15 characters. */
export function bridgeName(network: Pick<Network, 'id'>): string {
  return network.id === 'bridge' ? 'tare0' : `tn${network.id.slice(0, 10)}`;
}

/** Whether an interface is one of our bridges. */
export function isBridgeName(name: string): boolean {
  return /^(tare0|tn[0-9a-f]{10})$/.test(name);
}

/** Where an internal network's namespace is pinned; null for one on the host. */
export function namespacePath(network: Pick<Network, 'id' | 'internal'>): string | null {
  return network.internal ? join(NETNS_FOLDER, `${NAMESPACE_PREFIX}${network.id}`) : null;
}
export const NAMESPACE_PREFIX = 'tare-net-';

/** The network namespace that plays the host for this process, as 'net:[4026531840]'. */
export function hostNamespace(): string {
  return readlinkSync('/proc/self/ns/net');
}

/** All networks, the default one first. */
export function listNetworks(): Network[] {
  if (!existsSync(networksRoot())) return [DEFAULT_NETWORK];
  const made = readdirSync(networksRoot())
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const text = readText(join(networksRoot(), file));
      const parsed = text === undefined ? undefined : networkSchema.safeParse(JSON.parse(text));
      return parsed?.success ? [parsed.data] : [];
    })
    .sort((a, b) => a.name.localeCompare(b.name));
  return [DEFAULT_NETWORK, ...made];
}

/** By name or id. @throws BenchError `network-unknown`. */
export function findNetwork(named: string): Network {
  const found = listNetworks().find((each) => each.name === named || each.id === named);
  if (found) return found;
  throw new BenchError('network-unknown', `there is no network '${named}'`, {
    hint: 'none, host, bridge, container:NAME, or one of bench container network ls',
  });
}

export interface NetworkRequest {
  name: string;
  subnet?: string;
  internal: boolean;
  nat: boolean;
  labels: Record<string, string>;
}

/**
 * Defines a network; call under the lock. Its subnet touches neither another network's nor anything the host has a route to.
 *
 * @throws BenchError `network-name`, `subnet-syntax`, `subnet-taken`, `network-full`, `network-nat`.
 */
export function defineNetwork(request: NetworkRequest): Network {
  const known = listNetworks();
  const { name, internal, nat, labels } = request;
  if (!NAME.test(name) || RESERVED.includes(name) || known.some((each) => each.name === name))
    throw new BenchError('network-name', `a network cannot be called '${name}': taken, or not a name`);
  if (internal && nat)
    throw new BenchError('network-nat', 'an internal network has no way out, so nothing to translate', {
      hint: 'either --internal or --nat',
    });
  const taken = [...known.map((each) => each.subnet), ...routedBlocks(readText('/proc/net/route') ?? '')];
  const subnet = request.subnet === undefined ? chooseSubnet(taken) : ownSubnet(request.subnet, taken);
  const id = randomBytes(6).toString('hex');
  const createdAt = new Date().toISOString();
  const network: Network = {
    schema: 'tare.network/1',
    id,
    name,
    createdAt,
    subnet,
    internal,
    nat,
    labels,
  };
  mkdirSync(networksRoot(), { recursive: true, mode: 0o700 });
  const file = join(networksRoot(), `${id}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(network, null, 2));
  renameSync(`${file}.new`, file);
  return network;
}

export function deleteNetwork(network: Network): void {
  rmSync(join(networksRoot(), `${network.id}.json`), { force: true });
}

function ownSubnet(text: string, taken: readonly Block[]): Block {
  const block = parseBlock(text);
  const other = taken.find((each) => overlaps(each, block));
  if (other)
    throw new BenchError('subnet-taken', `${text} overlaps ${formatBlock(other)}, which is in use`, {
      hint: 'leave --subnet out, and a free one is chosen',
    });
  return block;
}
