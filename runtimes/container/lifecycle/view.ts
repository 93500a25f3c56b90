import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostCost } from '../../../results/record/trial.ts';
import { Cgroup, PARENT } from '../../cgroup/cgroup.ts';
import { formatPlan } from '../../launch/describe.ts';
import type { LaunchExit } from '../../launch/launch.ts';
import { attachContainer } from './attach.ts';
import { containerStats, containerStatus, waitContainer } from './control.ts';
import { blueprint, type CreateRequest } from './create.ts';
import { parseLog } from './frames.ts';
import {
  exitOf,
  listRecords,
  shellCode,
  type ContainerExit,
  type ContainerRecord,
  type ContainerStatus,
} from './record.ts';
import type { Foreground } from './run.ts';
import { constants } from 'node:os';

const FOLLOW_POLL_MS = 100;

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
}

/** One row per container, the oldest first; without `all` only those that live. */
export function containerRows(all: boolean): ContainerRow[] {
  return listRecords()
    .map((record) => ({ record, status: containerStatus(record) }))
    .filter(({ status }) => all || status === 'running' || status === 'paused')
    .map(({ record, status }) => ({
      id: record.id,
      name: record.name,
      image: record.image,
      command: record.process.args.join(' '),
      status,
      exitCode: status === 'exited' ? shellCode(exitOf(record)) : null,
      createdAt: record.createdAt,
      address: record.address,
      ports: record.ports
        .map((port) => `${port.hostPort}->${port.containerPort}/${port.protocol}`)
        .join(', '),
    }));
}

export function containerTable(rows: readonly ContainerRow[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.name,
    row.image,
    row.command.length > 32 ? `${row.command.slice(0, 31)}…` : row.command,
    row.exitCode === null ? row.status : `${row.status} (${row.exitCode})`,
    row.address ?? '',
    row.ports,
  ]);
  const table = [['ID', 'NAME', 'IMAGE', 'COMMAND', 'STATUS', 'ADDRESS', 'PORTS'], ...cells];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
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
export function printablePlan(request: CreateRequest): string {
  const id = '0'.repeat(12);
  const ipv4 = request.network === 'bridge' ? 0xc6130002 : null;
  const cgroup = new Cgroup(join(PARENT, 'containers', id));
  // The v1 device rules are writes of their own, not operations: nothing may be written for a print.
  const unwritten = Object.assign(Object.create(cgroup) as Cgroup, { restrictDevices: () => [] });
  return formatPlan(blueprint(request, id, ipv4).plan(unwritten)).trimEnd();
}

/** What it printed so far, each piece on its own stream; with follow until it ends. */
export async function printLogs(
  record: ContainerRecord,
  flags: { follow?: boolean; timestamps?: boolean },
  io: { stdout: Writable; stderr: Writable; signal: AbortSignal },
): Promise<void> {
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

/** Attaches until it ends; the exit code is the container's. An interrupt lets go and leaves it running. */
export async function attachForeground(record: ContainerRecord, io: Foreground): Promise<number> {
  const attached = await attachContainer(record, {
    stdin: record.interactive ? io.stdin : null,
    stdout: io.stdout,
    stderr: io.stderr,
  });
  io.signal.addEventListener('abort', attached.detach);
  await attached.ended;
  io.stdin.pause();
  return io.signal.aborted ? 0 : shellCode(await waitContainer(record));
}

export function exitCodeOf(exit: LaunchExit): number {
  if (exit.exitCode !== null) return exit.exitCode;
  return 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
}
