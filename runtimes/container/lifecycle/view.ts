import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostCost } from '../../../results/record/trial.ts';
import type { Cgroup } from '../../cgroup/cgroup.ts';
import { formatPlan } from '../../launch/describe.ts';
import { diskUsage } from '../disk-usage.ts';
import { humanBytes, textTable } from '../images/view/human.ts';
import { formatPort } from '../networks/ports.ts';
import { ownCgroup } from '../rootless/cgroup-place.ts';
import { blueprint } from './blueprint.ts';
import { containerStats } from './control.ts';
import { parseLog } from './frames.ts';
import { printedPlace } from './network-place.ts';
import {
  exitOf,
  listRecords,
  shellCode,
  type ContainerExit,
  type ContainerRecord,
  type ContainerStatus,
} from './record.ts';
import type { StoredRequest } from './request.ts';
import { containerStatus } from './status.ts';

const FOLLOW_POLL_MS = 100;

import { BenchError } from '../../../results/bench-error.ts';
export interface ContainerRow {
  id: string;
  name: string;
  image: string;
  command: string;
  status: ContainerStatus;
  exitCode: number | null;
  createdAt: string;
  address: string | null;
  ports: string;
  /** What it wrote itself, and with that its image's layers; only where asked for, since it is walked. */
  sizeBytes?: number;
  virtualBytes?: number;
}

/** Which containers are listed: by any value of each named filter. */
export interface RowFilter {
  all: boolean;
  filters?: ReadonlyMap<string, readonly string[]>;
  sizes?: boolean;
}

/** One row per container, the oldest first; without `all` only those that live. */
export function containerRows({ all, filters, sizes }: RowFilter): ContainerRow[] {
  const layers = new Map<string, number>();
  const layerBytes = (folder: string): number => {
    const bytes = layers.get(folder) ?? diskUsage(folder);
    layers.set(folder, bytes);
    return bytes;
  };
  // Whoever asks for a status or an exit code asks for those that have it.
  const asked = all || filters?.has('status') || filters?.has('exited');
  return listRecords()
    .map((record) => ({ record, status: containerStatus(record) }))
    .filter(({ status }) => asked || status === 'running' || status === 'paused')
    .filter(({ record, status }) => isWanted(record, status, filters))
    .map(({ record, status }) => ({
      id: record.id,
      name: record.name,
      image: record.image,
      command: record.process.args.join(' '),
      status,
      exitCode: status === 'exited' ? shellCode(exitOf(record)) : null,
      createdAt: record.createdAt,
      address: record.address,
      ports: record.ports.map(formatPort).join(', '),
      ...(sizes ? sizesOf(record, layerBytes) : {}),
    }));
}

function sizesOf(
  record: ContainerRecord,
  layerBytes: (folder: string) => number,
): { sizeBytes: number; virtualBytes: number } {
  const sizeBytes = diskUsage(join(record.dataFolder, 'upper'));
  const image = record.request.layers.reduce((sum, layer) => sum + layerBytes(layer), 0);
  return { sizeBytes, virtualBytes: sizeBytes + image };
}

function isWanted(record: ContainerRecord, status: ContainerStatus, filters: RowFilter['filters']): boolean {
  const has: Record<string, (value: string) => boolean> = {
    name: (value) => record.name.includes(value),
    id: (value) => record.id.startsWith(value),
    status: (value) => status === value,
    ancestor: (value) => record.image === value,
    network: (value) => record.request.network === value || record.network === value,
    volume: (value) =>
      record.request.mounts.some((mount) => mount.volume === value || mount.destination === value),
    label: (value) => {
      const [name = '', ...rest] = value.split('=');
      const own = record.request.labels[name];
      return own !== undefined && (rest.length === 0 || own === rest.join('='));
    },
    exited: (value) => status === 'exited' && shellCode(exitOf(record)) === Number(value),
  };
  return [...(filters ?? [])].every(([key, values]) => values.some((value) => has[key]?.(value) ?? false));
}

const ROW_FILTERS = ['name', 'id', 'status', 'ancestor', 'network', 'volume', 'label', 'exited'];

/** `--filter status=exited` and the like. @throws BenchError `ps-filter`. */
export function parseRowFilters(texts: readonly string[]): Map<string, string[]> {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const [key = '', ...value] = text.split('=');
    if (!ROW_FILTERS.includes(key) || value.length === 0)
      throw new BenchError('ps-filter', `'${text}' is not a filter of containers`, {
        hint: `${ROW_FILTERS.map((each) => `${each}=…`).join(', ')}, e.g. --filter status=exited`,
      });
    filters.set(key, [...(filters.get(key) ?? []), value.join('=')]);
  }
  return filters;
}

export function containerTable(rows: readonly ContainerRow[]): string {
  const sizes = rows.some((row) => row.sizeBytes !== undefined);
  const cells = rows.map((row) => [
    row.id,
    row.name,
    row.image,
    row.command.length > 32 ? `${row.command.slice(0, 31)}…` : row.command,
    row.exitCode === null ? row.status : `${row.status} (${row.exitCode})`,
    row.address ?? '',
    row.ports,
    ...(sizes ? [`${humanBytes(row.sizeBytes ?? 0)} (virtual ${humanBytes(row.virtualBytes ?? 0)})`] : []),
  ]);
  const head = ['ID', 'NAME', 'IMAGE', 'COMMAND', 'STATUS', 'ADDRESS', 'PORTS', ...(sizes ? ['SIZE'] : [])];
  return textTable([head, ...cells]);
}

export interface Inspection extends ContainerRecord {
  status: ContainerStatus;
  exit: ContainerExit | null;
  stats: HostCost;
}

export function inspectContainer(record: ContainerRecord): Inspection {
  return { ...record, status: containerStatus(record), exit: exitOf(record), stats: containerStats(record) };
}

/** The launch plan a request becomes, one operation per line, for a container that is not made. */
export function printablePlan(request: StoredRequest): string {
  const id = '0'.repeat(12);
  const cgroup = ownCgroup('containers', id);
  // The v1 device rules are writes of their own, not operations: nothing may be written for a print.
  const unwritten = Object.assign(Object.create(cgroup) as Cgroup, { restrictDevices: () => [] });
  return formatPlan(blueprint(request, id, printedPlace(request, id)).plan(unwritten)).trimEnd();
}

/** What it printed so far, each piece on its own stream; with follow until it ends. */
export async function printLogs(
  record: ContainerRecord,
  flags: { follow?: boolean; timestamps?: boolean },
  io: { stdout: Writable; stderr: Writable; signal: AbortSignal },
): Promise<void> {
  if (!existsSync(join(record.stateFolder, 'log'))) return; // the machine was started anew since
  const file = await open(join(record.stateFolder, 'log'), 'r');
  try {
    let rest = Buffer.alloc(0);
    for (let at = 0; ;) {
      const ended = containerStatus(record) === 'exited';
      const { size } = await stat(join(record.stateFolder, 'log'));
      if (size < at) at = 0; // rotated
      const chunk = Buffer.alloc(Math.max(0, size - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      at += bytesRead;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (const entry of parseLog(rest)) {
        const stamp = flags.timestamps ? `${new Date(Number(entry.unixNs / 1_000_000n)).toISOString()} ` : '';
        (entry.stream === 2 ? io.stderr : io.stdout).write(Buffer.concat([Buffer.from(stamp), entry.bytes]));
        const head = `${entry.stream} ${entry.unixNs} ${entry.bytes.length}\n`.length;
        rest = rest.subarray(head + entry.bytes.length);
      }
      if (!flags.follow || ended || io.signal.aborted) return;
      await sleep(FOLLOW_POLL_MS);
    }
  } finally {
    await file.close();
  }
}
