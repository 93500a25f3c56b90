import { isIPv4 } from 'node:net';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';

export const portSchema = z.object({
  /** Address of the host it is published on; null for all. */
  hostIp: z.string().nullable().default(null),
  /** 0 until one has been chosen. */
  hostPort: z.int(),
  /** The last one of those that will do; the first free one is taken. */
  hostPortEnd: z.int().optional(),
  containerPort: z.int(),
  protocol: z.enum(['tcp', 'udp']),
});
export type PublishedPort = z.infer<typeof portSchema>;

/**
 * `-p [address:][host]:container[/protocol]`, ports or ranges of equal length; without a host port a free one is chosen. A range
 * of host ports for one container port means "the first that is free".
 *
 * @throws BenchError `port-syntax`.
 */
export function parsePorts(text: string): PublishedPort[] {
  const match = /^(?:(?:([\d.]+):)?(\d{1,5}(?:-\d{1,5})?)?:)?(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp))?$/.exec(
    text,
  );
  const inside = range(match?.[3]);
  const host = match?.[2] === undefined ? null : range(match[2]);
  const hostIp = match?.[1] ?? null;
  if (!match || !inside || host === undefined || (hostIp !== null && !isIPv4(hostIp))) throw wrong(text);
  const protocol = match[4] === 'udp' ? 'udp' : 'tcp';
  const count = inside.last - inside.first + 1;
  if (host && host.last - host.first + 1 !== count) {
    if (count > 1) throw wrong(text);
    const { first, last } = host;
    return [{ hostIp, hostPort: first, hostPortEnd: last, containerPort: inside.first, protocol }];
  }
  return Array.from({ length: count }, (_, k) => ({
    hostIp,
    hostPort: host ? host.first + k : 0,
    containerPort: inside.first + k,
    protocol,
  }));
}

/** The ports an image exposes, for -P: a free host port for each. */
export function exposedPorts(exposed: Readonly<Record<string, unknown>> | undefined): PublishedPort[] {
  return Object.keys(exposed ?? {}).flatMap(parsePorts);
}

/** 127.0.0.1:8080->80/tcp */
export function formatPort(port: PublishedPort): string {
  const at = port.hostIp === null ? '' : `${port.hostIp}:`;
  return `${at}${port.hostPort}->${port.containerPort}/${port.protocol}`;
}

/** Lines of `port NAME [PRIVATE[/PROTOCOL]]`. @throws BenchError `port-unknown`. */
export function portLines(name: string, ports: readonly PublishedPort[], wanted?: string): string[] {
  const [number, protocol = 'tcp'] = wanted?.split('/') ?? [];
  const shown = ports.filter(
    (port) => wanted === undefined || (String(port.containerPort) === number && port.protocol === protocol),
  );
  if (wanted !== undefined && shown.length === 0)
    throw new BenchError('port-unknown', `${name} publishes no port ${number}/${protocol}`, {
      hint: `bench container port ${name}`,
    });
  return shown.map((port) => {
    const host = `${port.hostIp ?? '0.0.0.0'}:${port.hostPort}`;
    return wanted === undefined ? `${port.containerPort}/${port.protocol} -> ${host}` : host;
  });
}

/** Whether two publications cannot stand beside each other. */
export function collide(a: PublishedPort, b: PublishedPort): boolean {
  return (
    a.protocol === b.protocol &&
    a.hostPort === b.hostPort &&
    (a.hostIp === null || b.hostIp === null || a.hostIp === b.hostIp)
  );
}

function range(text: string | undefined): { first: number; last: number } | undefined {
  const [first = NaN, last = first] = (text ?? '').split('-').map(Number);
  return first >= 1 && last >= first && last <= 65535 ? { first, last } : undefined;
}

function wrong(text: string): BenchError {
  return new BenchError('port-syntax', `'${text}' is not a port to publish`, {
    hint: '[address:][host:]container[/udp], e.g. -p 8080:80, -p 127.0.0.1:5353:53/udp, -p 8000-8003:8000-8003',
  });
}
