import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { listOwners, processStartTime, type Owner } from '../../sweep/owner.ts';

/** In the scratch folder of the machine's owner: what a sweep removes, no record survives. */
const RECORD_FILE = 'machine.json';

const recordSchema = z.object({
  schema: z.literal('tare.vm/1'),
  name: z.string(),
  owner: z.string(),
  createdAt: z.string(),
  /** Host pid and start time of QEMU. */
  pid: z.int(),
  startTime: z.string(),
  /** What pages would call it. */
  label: z.string(),
  /** How `stop` asks it to end: a user's system by the power button, our own first process by a word. */
  bootedBy: z.enum(['direct', 'firmware']),
  /** Where sessions run when nothing else is said. */
  runAs: z.enum(['run', 'enter']),
  address: z.string(),
  peerAddress: z.string(),
  namespace: z.string(),
  folder: z.string(),
  sockets: z.object({
    monitor: z.string(),
    agent: z.string(),
    guest: z.string(),
    console: z.string(),
    sessions: z.array(z.string()),
  }),
  dataFormat: z.enum(['qcow2', 'raw']),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
/** A machine that a person booted, as kept beside its disks: all that any later command needs. */
export type MachineRecord = z.infer<typeof recordSchema>;

export type MachineStatus = 'running' | 'ended';

export function writeMachine(scratchDir: string, record: MachineRecord): void {
  writeFileSync(join(scratchDir, RECORD_FILE), JSON.stringify(record, null, 2) + '\n', { mode: 0o600 });
}

/** All of this host, oldest first. A file that cannot be read is no machine. */
export function listMachines(): MachineRecord[] {
  return listOwners()
    .flatMap(({ scratchDir }) => {
      try {
        const parsed = recordSchema.safeParse(
          JSON.parse(readFileSync(join(scratchDir, RECORD_FILE), 'utf8')),
        );
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    })
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** @throws BenchError `vm-unknown`. */
export function findMachine(name: string): MachineRecord {
  const found = listMachines().find((each) => each.name === name);
  if (found) return found;
  throw new BenchError('vm-unknown', `there is no machine '${name}'`, { hint: 'bench vm ps lists them' });
}

/** @throws BenchError `vm-unknown`, `vm-not-running`. */
export function findRunning(name: string): MachineRecord {
  const found = findMachine(name);
  if (statusOf(found) === 'running') return found;
  throw new BenchError('vm-not-running', `the machine '${name}' has ended`, {
    hint: `bench vm console ${name} shows its last words; bench vm rm ${name} removes it`,
  });
}

export function statusOf(record: Pick<MachineRecord, 'pid' | 'startTime'>): MachineStatus {
  return processStartTime(record.pid) === record.startTime ? 'running' : 'ended';
}

/** The claim under which everything of the machine is kept. */
export function ownerOf(record: MachineRecord): Owner | undefined {
  return listOwners().find(({ owner }) => owner === record.owner);
}

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'islet', 'juniper'];

/** A name that no machine has, easier to type than an owner's tag. */
export function freeName(taken: readonly string[]): string {
  for (let turn = 1; ; turn++)
    for (const word of WORDS) {
      const name = turn === 1 ? word : `${word}${turn}`;
      if (!taken.includes(name)) return name;
    }
}

/** @throws BenchError `vm-name`. */
export function checkName(name: string, taken: readonly string[]): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name))
    throw new BenchError('vm-name', `"${name}" is no name for a machine: letters, digits, . _ -`);
  if (taken.includes(name))
    throw new BenchError('vm-name', `there is a machine '${name}' already`, {
      hint: `another name, or bench vm rm -f ${name}`,
    });
  return name;
}
