import { createSocket } from 'node:dgram';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { collide, type PublishedPort } from './ports.ts';

/** A port that somebody publishes already, and who. */
export interface TakenPort {
  port: PublishedPort;
  container: string;
}

/**
 * Settles the host's ports of a container: chooses where one was left open, and makes sure that nobody has the others.
 *
 * @throws BenchError `port-taken`, naming the container or process that has it; `port-address`.
 */
export async function settlePorts(
  wanted: readonly PublishedPort[],
  taken: readonly TakenPort[],
): Promise<PublishedPort[]> {
  const settled: PublishedPort[] = [];
  for (const { hostPortEnd, ...port } of wanted) {
    const own = settled.map((each) => ({ port: each, container: 'this container' }));
    settled.push(await settle(port, hostPortEnd ?? port.hostPort, [...taken, ...own]));
  }
  return settled;
}

async function settle(
  port: PublishedPort,
  last: number,
  taken: readonly TakenPort[],
): Promise<PublishedPort> {
  let holder = '';
  for (let hostPort = port.hostPort; hostPort <= last; hostPort++) {
    // Of port 0 the kernel says which it gave; one of another container's rules is not bound, so it may be given again.
    for (let tries = 0; tries < (hostPort === 0 ? 100 : 1); tries++) {
      const bound = await tryBind({ ...port, hostPort });
      const candidate = { ...port, hostPort: bound ?? hostPort };
      const clash = taken.find((each) => collide(each.port, candidate));
      if (bound !== null && !clash) return candidate;
      holder = clash ? `container ${clash.container}` : (processOn(candidate) ?? 'another process');
    }
  }
  const shown = port.hostPort === last ? `port ${last}` : `every port of ${port.hostPort}-${last}`;
  throw new BenchError('port-taken', `${shown}/${port.protocol} of the host is taken by ${holder}`, {
    hint: 'publish on another port, or on any free one: -p CONTAINERPORT',
  });
}

/** The port that could be bound, or null when somebody has it. */
function tryBind({ hostIp, hostPort, protocol }: PublishedPort): Promise<number | null> {
  const host = hostIp ?? '0.0.0.0';
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else
        reject(
          new BenchError('port-address', `${host}:${hostPort} cannot be published on: ${error.message}`, {
            hint: 'an address of this host, or none for all of them',
            cause: error,
          }),
        );
    };
    if (protocol === 'tcp') {
      const server = createServer().once('error', failed);
      server.listen({ host, port: hostPort, exclusive: true }, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' ? (address?.port ?? hostPort) : hostPort));
      });
    } else {
      const socket = createSocket('udp4').once('error', failed);
      socket.bind({ address: host, port: hostPort, exclusive: true }, () => {
        const { port } = socket.address();
        socket.close(() => resolve(port));
      });
    }
  });
}

/** The process that has a port open, as 'nginx (process 123)'; undefined when it cannot be found. */
export function processOn(port: Pick<PublishedPort, 'hostPort' | 'protocol'>): string | undefined {
  const inodes = new Set(
    ['', '6'].flatMap((family) =>
      socketInodes(readText(`/proc/net/${port.protocol}${family}`) ?? '', port.hostPort),
    ),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (openSockets(pid).some((inode) => inodes.has(inode)))
      return `${readText(`/proc/${pid}/comm`)?.trim() ?? 'a program'} (process ${pid})`;
  }
  return undefined;
}

/** Inodes of sockets on a local port, of a table like /proc/net/tcp; of TCP only those that listen. Pure. */
export function socketInodes(table: string, port: number): string[] {
  const LISTENING = ['0A', '07'];
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      (fields) =>
        parseInt(fields[1]?.split(':')[1] ?? '', 16) === port && LISTENING.includes(fields[3] ?? ''),
    )
    .map((fields) => fields[9] ?? '');
}

function openSockets(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
