import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { processStartTime } from '../../sweep/owner.ts';
import {
  Session,
  type SessionEnd,
  type SessionOutput,
  type SessionRequest,
} from '../control/session-client.ts';
import type { MachineRecord } from './machine-record.ts';

/** A session on a port that nobody uses; the port is free again when `ended` has settled. @throws BenchError `vm-busy`. */
export async function openSession(
  record: MachineRecord,
  request: Omit<SessionRequest, 'runAs'> & Partial<Pick<SessionRequest, 'runAs'>>,
  output: SessionOutput,
): Promise<Session> {
  const path = takePort(record);
  const free = (): void => rmSync(`${path}.lock`, { force: true });
  try {
    const session = await Session.open(path, { runAs: record.runAs, ...request }, output);
    session.ended.then(free, free);
    return session;
  } catch (error) {
    free();
    throw error;
  }
}

/** QEMU takes one connection for each port, and would let a second wait without a word. */
function takePort(record: MachineRecord): string {
  const mine = `${process.pid} ${processStartTime(process.pid) ?? ''}`;
  for (const path of record.sockets.sessions) {
    const lock = `${path}.lock`;
    if (!isHeld(lock)) rmSync(lock, { force: true });
    try {
      writeFileSync(lock, mine, { flag: 'wx' });
      return path;
    } catch {
      // Somebody else was faster.
    }
  }
  throw new BenchError(
    'vm-busy',
    `all ${record.sockets.sessions.length} sessions of the machine '${record.name}' are in use`,
    { hint: 'end a shell or a command in it first' },
  );
}

function isHeld(lock: string): boolean {
  try {
    const [pid, startTime] = readFileSync(lock, 'utf8').split(' ');
    return processStartTime(Number(pid)) === startTime;
  } catch {
    return false;
  }
}

/** The code a shell would give. */
export function exitCodeOf({ exitCode, signal }: SessionEnd): number {
  return exitCode ?? 128 + (signal ?? 0);
}
