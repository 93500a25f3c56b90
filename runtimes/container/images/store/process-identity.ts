import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** A process that can't be confused with a later one of the same number: pid, its start time in ticks, and the boot. */
export const identitySchema = z.object({ pid: z.int().positive(), started: z.string(), boot: z.string() });
export type ProcessIdentity = z.infer<typeof identitySchema>;

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startTicks(process.pid) ?? '', boot: bootId() };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.boot === bootId() && startTicks(identity.pid) === identity.started;
}

/** Field 22 of /proc/PID/stat, counted after the command's closing bracket (proc_pid_stat(5)). */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .at(19);
  } catch {
    return undefined;
  }
}
