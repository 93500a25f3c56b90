import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { readText } from '../../cgroup/read-cost.ts';
import { portSchema } from '../networks/ports.ts';
import { ownFolders } from '../rootless/folders.ts';
import { processSchema } from '../spec/oci-spec.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { createRequestSchema } from './request.ts';

/** State that a reboot takes away anyway: start gate, attach socket, log and exit of the last run. */
export function stateRoot(): string {
  return join(ownFolders().state, 'containers');
}

/** The record of a container and what it wrote; survives reboots until it is removed. */
export function dataRoot(): string {
  return join(ownFolders().data, 'containers');
}

const creatorSchema = z.object({ pid: z.int(), startTime: z.string() });

const recordSchema = z.object({
  schema: z.literal('tare.container/1'),
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string(),
  image: z.string(),
  createdAt: z.string(),
  /**
   * 'making' and 'removing' are left by a caller that is at it, or that died on the way: then whoever comes next undoes or
   * finishes it.
   */
  phase: z.enum(['making', 'made', 'removing']),
  creator: creatorSchema,
  /** Host pid and start time of its first process. */
  pid: z.int(),
  startTime: z.string(),
  stateFolder: z.string(),
  dataFolder: z.string(),
  /** '' where an ordinary user was handed none. */
  cgroup: z.string(),
  /** Where the programs are that made it; removing it may need them. */
  cacheDir: z.string(),
  /** Id of the network it is on; null when that is none, the host's or another container's. */
  network: z.string().nullable(),
  address: z.string().nullable(),
  /** The network namespace that plays the host for it: where its bridge and its rules are. */
  hostNamespace: z.string(),
  ports: z.array(portSchema),
  /** CLONE_NEW* bits of its namespaces. */
  namespaces: z.int(),
  process: processSchema,
  seccomp: z.unknown(),
  terminal: z.boolean(),
  interactive: z.boolean(),
  autoRemove: z.boolean(),
  stopSignal: z.string(),
  /** What was asked for: to start it again, to share its volumes, to change its limits. */
  request: createRequestSchema,
});
/** A container on this host, as kept beside its files: all that any later command needs. */
export type ContainerRecord = z.infer<typeof recordSchema>;

export type ContainerStatus = 'making' | 'created' | 'running' | 'paused' | 'exited' | 'removing';

/** How it ended, as its supervisor wrote it. */
export interface ContainerExit {
  exitCode: number | null;
  signal: number | null;
  finishedAt: string;
}

export function writeRecord(record: ContainerRecord): void {
  mkdirSync(record.dataFolder, { recursive: true, mode: 0o700 });
  const file = join(record.dataFolder, 'record.json');
  writeFileSync(`${file}.new`, JSON.stringify(record, null, 2));
  renameSync(`${file}.new`, file);
}

export function listRecords(): ContainerRecord[] {
  if (!existsSync(dataRoot())) return [];
  return readdirSync(dataRoot())
    .flatMap((id) => readRecord(id) ?? [])
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** The record as it is now; undefined when the container is gone. */
export function readRecord(id: string): ContainerRecord | undefined {
  const text = readText(join(dataRoot(), id, 'record.json'));
  const parsed = text === undefined ? undefined : recordSchema.safeParse(JSON.parse(text));
  return parsed?.success ? parsed.data : undefined;
}

/** Folders of containers without a record: what a caller killed at the first or last moment left. Ask under the lock. */
export function strayFolders(): string[] {
  const known = new Set(listRecords().map((each) => each.id));
  return [stateRoot(), dataRoot()].flatMap((root) =>
    existsSync(root)
      ? readdirSync(root)
          .filter((id) => /^[0-9a-f]{12}$/.test(id) && !known.has(id))
          .map((id) => join(root, id))
      : [],
  );
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

/** A caller may die between opening the gate and saying so: then the gate tells, which only a waiting program reads. */
export function isStarted(record: ContainerRecord): boolean {
  return existsSync(join(record.stateFolder, 'started')) || !isGateClosed(record);
}

function isGateClosed(record: ContainerRecord): boolean {
  try {
    const { O_WRONLY, O_NONBLOCK } = constants;
    closeSync(openSync(join(record.stateFolder, 'gate'), O_WRONLY | O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

/** Alive is what the kernel says; a container whose supervisor was killed with it has exited all the same. */
export function statusOf(
  record: ContainerRecord,
  frozen: (record: ContainerRecord) => boolean,
): ContainerStatus {
  if (record.phase !== 'made') return record.phase;
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
