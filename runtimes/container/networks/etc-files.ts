import { existsSync, mkdirSync, openSync, writeSync, ftruncateSync, closeSync, constants } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../../cgroup/read-cost.ts';
import type { ContainerMount } from '../volumes/mount.ts';

/**
 * Names between containers are lines of /etc/hosts. Each container has a file of its own, bound on its /etc/hosts; whenever
 * somebody comes or goes, all files of the network are written again in place, so that the bound inode stays. Every C library
 * and most language runtimes read the file at each lookup, so nothing has to run for it: no resolver process, no port 53, and
 * nothing to clean up after a kill.
 */
export const ETC_FILES = ['hosts', 'resolv.conf', 'hostname'] as const;
export type EtcFile = (typeof ETC_FILES)[number];

/** Somebody on a network, by all of its names. */
export interface Neighbour {
  address: string;
  names: readonly string[];
}

const LOCALHOST = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/** /etc/hosts: the loopback, its own names, those asked for, those of the others. Pure. */
export function hostsText(
  own: Neighbour | null,
  extra: readonly string[],
  neighbours: readonly Neighbour[],
): string {
  const line = ({ address, names }: Neighbour): string => `${address}\t${[...new Set(names)].join(' ')}\n`;
  const asked = extra.map((each) => {
    const at = each.indexOf(':');
    return `${each.slice(at + 1)}\t${each.slice(0, at)}\n`;
  });
  return [LOCALHOST, ...(own ? [line(own)] : []), ...asked, ...neighbours.map(line)].join('');
}

/**
 * /etc/resolv.conf. Who has a way out gets the host's name servers, without those on the host's own loopback, which are not
 * inside; who has none gets none, so that a lookup fails at once and not after a time-out. Pure.
 */
export function resolvText(
  host: string,
  kind: 'host' | 'out' | 'no way out',
  dns: readonly string[] = [],
): string {
  if (dns.length > 0) return dns.map((server) => `nameserver ${server}\n`).join('');
  if (kind === 'host') return host;
  if (kind === 'no way out') return '# No name servers: this network has no way out.\n';
  const kept = host
    .split('\n')
    .filter((line) => /^(search|options|nameserver)\s/.test(line) && !/^nameserver\s+(127\.|::1)/.test(line));
  return kept.some((line) => line.startsWith('nameserver'))
    ? `${kept.join('\n')}\n`
    : '# The host has no name server that can be reached from here; --dns names one.\n';
}

/** The host's name servers, not the loopback stub of systemd-resolved. */
export function hostResolvConf(): string {
  const text = readText('/etc/resolv.conf') ?? '';
  const stub = /^nameserver\s+127\.0\.0\.53\s*$/m.test(text);
  return (stub ? readText('/run/systemd/resolve/resolv.conf') : undefined) ?? text;
}

export function etcFolder(dataFolder: string): string {
  return join(dataFolder, 'etc');
}

/** The binds of the three files, but where a mount of one's own is in their place. */
export function etcMounts(folder: string, own: readonly ContainerMount[]): ContainerMount[] {
  return ETC_FILES.filter((file) => !own.some((each) => each.destination === `/etc/${file}`)).map((file) => ({
    type: 'bind',
    destination: `/etc/${file}`,
    source: join(folder, file),
    options: ['bind', 'nosuid', 'nodev', 'noexec', 'rw'],
    volume: null,
    anonymous: false,
    copy: false,
  }));
}

/** Writes over a file without changing its inode, and only when it says something else; an empty file is never seen. */
export function writeInPlace(folder: string, file: EtcFile, text: string): void {
  const path = join(folder, file);
  if (readText(path) === text) return;
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o755 });
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  try {
    const bytes = Buffer.from(text);
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
