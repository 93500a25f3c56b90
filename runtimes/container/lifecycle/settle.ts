import { execa } from 'execa';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { NETNS_FOLDER } from '../../network/defaults.ts';
import { hostsText, writeInPlace, etcFolder, type Neighbour } from '../networks/etc-files.ts';
import {
  bridgeName,
  hostNamespace,
  isBridgeName,
  listNetworks,
  NAMESPACE_PREFIX,
  namespacePath,
  type Network,
} from '../networks/network-store.ts';
import { NO_RULES, needsForwarding, rulesText, type RuledContainer } from '../networks/rules.ts';
import { containerStatus } from './status.ts';
import { listRecords, type ContainerRecord } from './record.ts';

/** What was changed on a host namespace for us, so that it can be undone by anybody later. */
const NOTES = '/run/tare/networks';
const FORWARD = '/proc/sys/net/ipv4/ip_forward';
const TOOL_LIMIT_MS = 30_000;

/** A container that lives, and the network it is on. */
interface Member {
  record: ContainerRecord;
  network: Network;
}

/**
 * Makes the host's networks what the living containers need, and nothing more: names, NAT rules, forwarding, bridges. Everything
 * is derived from the records, so it does not matter what was done before or by whom, or who was killed while doing it. Call
 * under the lock, after any container came, went or was renamed. Returns what was taken away, in words.
 */
export async function settleNetworks(): Promise<string[]> {
  const here = hostNamespace();
  const networks = new Map(listNetworks().map((each) => [each.id, each]));
  const members = listRecords()
    .filter((each) => each.hostNamespace === here && isLive(each))
    .flatMap((record): Member[] => {
      const network = record.network === null ? undefined : networks.get(record.network);
      return network ? [{ record, network }] : [];
    });
  writeNames(members);
  const removed = await settleRules(here, members);
  return [...removed, ...(await removeUnused(members))];
}

/** What is being made counts: its bridge must not be taken from under it. */
function isLive(record: ContainerRecord): boolean {
  return ['making', 'created', 'running', 'paused'].includes(containerStatus(record));
}

/** All names of a container on its network. */
function namesOf(record: ContainerRecord): string[] {
  const { hostname, aliases } = record.request;
  return [record.name, ...aliases, ...(hostname === undefined ? [] : [hostname]), record.id];
}

export function ownNeighbour(record: ContainerRecord): Neighbour | null {
  if (record.address === null) return null;
  const { hostname, aliases } = record.request;
  return { address: record.address, names: [hostname ?? record.id, record.name, ...aliases] };
}

function writeNames(members: readonly Member[]): void {
  for (const { record, network } of members) {
    const neighbours = members
      .filter((each) => each.network.id === network.id && each.record.id !== record.id)
      .map(({ record: other }): Neighbour => ({ address: other.address ?? '', names: namesOf(other) }));
    const folder = etcFolder(record.dataFolder);
    if (existsSync(folder))
      writeInPlace(folder, 'hosts', hostsText(ownNeighbour(record), record.request.extraHosts, neighbours));
  }
}

function ruled({ record, network }: Member): RuledContainer[] {
  if (network.internal || record.address === null) return [];
  return [
    {
      id: record.id,
      address: record.address,
      bridge: bridgeName(network),
      subnet: network.subnet,
      nat: network.nat || record.request.nat,
      ports: record.ports,
    },
  ];
}

async function settleRules(here: string, members: readonly Member[]): Promise<string[]> {
  const containers = members.flatMap(ruled);
  const notes = join(NOTES, here.replaceAll(/\D/g, ''));
  const forwarding = needsForwarding(containers);
  const several = new Set(containers.map((each) => each.bridge)).size > 1;
  const wanted =
    forwarding || containers.some((each) => each.ports.length > 0) || (several && isForwarding());
  const rulesNote = join(notes, 'rules.nft');
  if (!wanted && !existsSync(notes)) return [];
  mkdirSync(notes, { recursive: true, mode: 0o700 });
  const removed: string[] = [];
  // In the order in which nothing is ever forwarded that was not before: rules first, and last.
  if (forwarding) noteForwarding(notes);
  else if (restoreForwarding(notes)) removed.push('IP forwarding');
  const exclusive = existsSync(join(notes, 'ip_forward'));
  const text = wanted ? rulesText(containers, exclusive) : NO_RULES;
  if (readText(rulesNote) !== text) {
    // A killed process must not leave rules without a note that there are some.
    writeFileSync(rulesNote, '# being changed\n');
    await nft(text);
    writeFileSync(rulesNote, text);
  }
  if (wanted) for (const bridge of new Set(containers.map((each) => each.bridge))) allowLoopback(bridge);
  if (forwarding && !isForwarding()) writeFileSync(FORWARD, '1');
  if (!wanted) {
    rmSync(notes, { recursive: true, force: true });
    removed.push('NAT rules');
  }
  return removed;
}

function isForwarding(): boolean {
  return readText(FORWARD)?.trim() === '1';
}

/** Noted before it is changed: what is restored is what was there before the first of us. */
function noteForwarding(notes: string): void {
  if (!isForwarding()) writeFileSync(join(notes, 'ip_forward'), '0');
}

function restoreForwarding(notes: string): boolean {
  const note = join(notes, 'ip_forward');
  const before = readText(note);
  if (before === undefined) return false;
  writeFileSync(FORWARD, before);
  rmSync(note, { force: true });
  return true;
}

/** Connections from the host to its own loopback address may leave by the bridge. */
function allowLoopback(bridge: string): void {
  const file = `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`;
  if (existsSync(file)) writeFileSync(file, '1');
}

async function nft(text: string): Promise<void> {
  const result = await execa('nft', ['-f', '-'], { input: text, reject: false, timeout: TOOL_LIMIT_MS });
  if (result.exitCode === 0) return;
  throw new BenchError(
    'network-rules',
    `the rules of ports and NAT were refused: ${result.stderr || result.message}`,
    {
      hint: 'apt-get install -y --no-install-recommends nftables',
    },
  );
}

/** Bridges and namespaces that nobody is on. By the system's tools: this must work where no launcher was ever compiled. */
async function removeUnused(members: readonly Member[]): Promise<string[]> {
  const removed: string[] = [];
  const used = new Set(members.map(({ network }) => (network.internal ? '' : bridgeName(network))));
  for (const name of interfaces().filter((each) => isBridgeName(each) && !used.has(each))) {
    await execa('ip', ['link', 'delete', name], { reject: false, timeout: TOOL_LIMIT_MS });
    removed.push(`bridge ${name}`);
  }
  const pinned = new Set(members.map(({ network }) => namespacePath(network)));
  // Pinned namespaces are the machine's: only who is asked about all of it may judge.
  const everywhere = new Set(
    listRecords()
      .filter(isLive)
      .map((each) => each.network),
  );
  for (const name of existsSync(NETNS_FOLDER) ? readdirSync(NETNS_FOLDER) : []) {
    const path = join(NETNS_FOLDER, name);
    if (!name.startsWith(NAMESPACE_PREFIX) || pinned.has(path)) continue;
    if (everywhere.has(name.slice(NAMESPACE_PREFIX.length))) continue;
    await execa('umount', ['--lazy', '--no-canonicalize', path], { reject: false, timeout: TOOL_LIMIT_MS });
    rmSync(path, { force: true });
    removed.push(`network namespace ${name}`);
  }
  return removed;
}

function interfaces(): string[] {
  return [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^\s*([^\s:]+):/gm)].map(([, name = '']) => name);
}
