import { setTimeout as sleep } from 'node:timers/promises';
import { Cgroup } from '../../cgroup/cgroup.ts';
import type { StateRoot } from './state.ts';
import { readStats } from './stats.ts';
import { currentStatus } from './status.ts';

/** How often the memory controller is asked whether it killed, ms; the kernel keeps count in between. */
const OOM_LOOK_MS = 200;

/**
 * One JSON line per event: 'stats' now and at every interval, 'oom' when the kernel killed for want of memory. Ends with
 * the container, with the signal, or after the first with `once`.
 */
export async function* containerEvents(
  root: StateRoot,
  id: string,
  options: { intervalMs: number; once: boolean; signal: AbortSignal },
): AsyncGenerator<string> {
  const state = root.read(id);
  const cgroup = new Cgroup(state.cgroupPath);
  const event = (type: 'stats' | 'oom') =>
    JSON.stringify({ type, id, ...(type === 'stats' ? { data: readStats(cgroup) } : {}) });
  yield event('stats');
  if (options.once) return;
  let oomKills = cgroup.oomKills();
  let nextStats = performance.now() + options.intervalMs;
  while (!options.signal.aborted && currentStatus(root, state) !== 'stopped') {
    await sleep(Math.min(OOM_LOOK_MS, options.intervalMs), undefined, { signal: options.signal }).catch(
      () => undefined,
    );
    const kills = cgroup.oomKills();
    if (kills > oomKills) yield event('oom');
    oomKills = kills;
    if (performance.now() < nextStats) continue;
    nextStats += options.intervalMs;
    if (currentStatus(root, state) !== 'stopped') yield event('stats');
  }
}
