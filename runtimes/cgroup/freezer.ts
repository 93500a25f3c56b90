import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../results/bench-error.ts';
import type { Cgroup } from './cgroup.ts';
import { isUnified } from './layout.ts';
import { readKey, readText } from './read-cost.ts';

/** The kernel freezes each process when it next leaves it; one in an uninterruptible wait takes that long. */
const SETTLE_TIMEOUT_MS = 5_000;

/** Freezes or thaws all that is in a cgroup; resolves when it is so. @throws BenchError `cgroup-freezer`. */
export async function freezeCgroup(cgroup: Cgroup, frozen: boolean): Promise<void> {
  const unified = isUnified(cgroup.layout);
  const file = stateFile(cgroup);
  if (!existsSync(file))
    throw new BenchError('cgroup-freezer', `${cgroup.path} cannot be frozen: no freezer on this host`);
  const v1Word = frozen ? 'FROZEN' : 'THAWED';
  writeFileSync(file, unified ? (frozen ? '1' : '0') : v1Word);
  const settled = (): boolean =>
    unified
      ? readKey(cgroup.file('freezer', 'cgroup.events'), 'frozen') === (frozen ? 1 : 0)
      : readText(file)?.trim() === v1Word;
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  while (!settled()) {
    if (Date.now() > deadline)
      throw new BenchError('cgroup-freezer', `${cgroup.path} did not ${frozen ? 'freeze' : 'thaw'}`);
    // v1 gives up on what forked meanwhile unless it is asked again.
    if (frozen && !unified) writeFileSync(file, v1Word);
    await sleep(2);
  }
}

/** Thaws without waiting, for what is about to be killed. Where nothing is frozen, nothing happens. */
export function thaw(cgroup: Cgroup): void {
  try {
    writeFileSync(stateFile(cgroup), isUnified(cgroup.layout) ? '0' : 'THAWED', { flag: 'r+' });
  } catch {
    // No freezer, or gone.
  }
}

function stateFile(cgroup: Cgroup): string {
  return cgroup.file('freezer', isUnified(cgroup.layout) ? 'cgroup.freeze' : 'freezer.state');
}
