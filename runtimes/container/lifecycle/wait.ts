import { existsSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { processStartTime } from '../../sweep/owner.ts';
import { exitOf, type ContainerExit, type ContainerRecord } from './record.ts';

const POLL_MS = 20;
/** After a first process has gone, how long its supervisor may take to read the last output and write the exit. */
const LAST_WORDS_MS = 1_000;

/** Resolves when it has ended, with how; null when nobody saw it. */
export async function waitContainer(
  record: ContainerRecord,
  signal?: AbortSignal,
): Promise<ContainerExit | null> {
  if (!existsSync(record.stateFolder)) return null;
  let woken = new AbortController();
  // The supervisor's file tells at once; the slow poll is for a supervisor that was killed.
  const watcher = watch(record.stateFolder, () => woken.abort());
  watcher.on('error', () => undefined);
  const pause = async (): Promise<void> => {
    await sleep(POLL_MS, undefined, { signal: woken.signal }).catch(() => undefined);
    woken = new AbortController();
  };
  try {
    while (!exitOf(record) && processStartTime(record.pid) === record.startTime) {
      if (signal?.aborted) throw new BenchError('interrupted', 'interrupted while waiting');
      await pause();
    }
    const deadline = Date.now() + LAST_WORDS_MS;
    while (!exitOf(record) && Date.now() < deadline && existsSync(record.stateFolder)) await pause();
    return exitOf(record);
  } finally {
    watcher.close();
  }
}
