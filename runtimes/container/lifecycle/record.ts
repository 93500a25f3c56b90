import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { processSchema } from '../spec/oci-spec.ts';

/** State that a reboot takes away anyway. */
export const STATE_ROOT = '/run/tare/containers';
/** What containers wrote; survives reboots until they are removed. */
export const DATA_ROOT = '/var/lib/tare/containers';

export const portSchema = z.object({
  hostPort: z.int(),
  containerPort: z.int(),
  protocol: z.enum(['tcp', 'udp']),
});
export type PublishedPort = z.infer<typeof portSchema>;

const recordSchema = z.object({
  schema: z.literal('tare.container/1'),
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string(),
  image: z.string(),
  createdAt: z.string(),
  /** Host pid and start time of its first process. */
  pid: z.int(),
  startTime: z.string(),
  stateFolder: z.string(),
  dataFolder: z.string(),
  cgroup: z.string(),
  address: z.string().nullable(),
  ports: z.array(portSchema),
  /** CLONE_NEW* bits of its namespaces. */
  namespaces: z.int(),
  process: processSchema,
  seccomp: z.unknown(),
  terminal: z.boolean(),
  interactive: z.boolean(),
  autoRemove: z.boolean(),
  stopSignal: z.string(),
});
/** A container on this host, as kept in its state folder: all that any later command needs. */
export type ContainerRecord = z.infer<typeof recordSchema>;

export type ContainerStatus = 'created' | 'running' | 'paused' | 'exited';

/** How it ended, as its supervisor wrote it. */
export interface ContainerExit {
  exitCode: number | null;
  signal: number | null;
  finishedAt: string;
}

export function writeRecord(record: ContainerRecord): void {
  mkdirSync(record.stateFolder, { recursive: true, mode: 0o700 });
  const file = join(record.stateFolder, 'record.json');
  writeFileSync(`${file}.new`, JSON.stringify(record, null, 2));
  renameSync(`${file}.new`, file);
}

export function listRecords(): ContainerRecord[] {
  if (!existsSync(STATE_ROOT)) return [];
  return readdirSync(STATE_ROOT)
    .flatMap((id) => {
      const text = readText(join(STATE_ROOT, id, 'record.json'));
      const parsed = text === undefined ? undefined : recordSchema.safeParse(JSON.parse(text));
      return parsed?.success ? [parsed.data] : [];
    })
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** By name, id, or a beginning of the id that only one has. @throws BenchError `container-unknown`. */
export function findRecord(named: string): ContainerRecord {
  const all = listRecords();
  const exact = all.find((each) => each.name === named || each.id === named);
  const partial = named.length > 0 ? all.filter((each) => each.id.startsWith(named)) : [];
  const found = exact ?? (partial.length === 1 ? partial[0] : undefined);
  if (!found)
    throw new BenchError('container-unknown', `there is no container '${named}'`, {
      hint: 'bench container ps -a',
    });
  return found;
}

export function exitOf(record: ContainerRecord): ContainerExit | null {
  const match = /^(-?\d+) (\d+) (\d+)$/m.exec(readText(join(record.stateFolder, 'exit')) ?? '');
  if (!match) return null;
  const signal = Number(match[2]);
  return {
    exitCode: signal > 0 ? null : Number(match[1]),
    signal: signal > 0 ? signal : null,
    finishedAt: new Date(Number(BigInt(match[3] ?? '0') / 1_000_000n)).toISOString(),
  };
}

export function isStarted(record: ContainerRecord): boolean {
  return existsSync(join(record.stateFolder, 'started'));
}

/** Alive is what the kernel says; a container whose supervisor was killed with it has exited all the same. */
export function statusOf(
  record: ContainerRecord,
  frozen: (record: ContainerRecord) => boolean,
): ContainerStatus {
  const alive = processStartTime(record.pid) === record.startTime;
  if (!alive || exitOf(record)) return 'exited';
  if (!isStarted(record)) return 'created';
  return frozen(record) ? 'paused' : 'running';
}

/** The code a shell would give: 128 and the signal's number for one that was killed. */
export function shellCode(exit: ContainerExit | null): number {
  if (!exit) return 137;
  return exit.exitCode ?? 128 + (exit.signal ?? 0);
}
