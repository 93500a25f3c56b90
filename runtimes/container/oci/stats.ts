import { join } from 'node:path';
import type { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified, type Controller } from '../../cgroup/layout.ts';
import { parseBlkioBytes, parseIoStat, readKey, readNumber, readText } from '../../cgroup/read-cost.ts';

/** What `events --stats` tells of a container; keys as runc's, so that its readers understand. CPU in ns, memory in bytes. */
export interface Stats {
  cpu: {
    usage: { total: number; kernel: number; user: number };
    throttling: { periods: number; throttledPeriods: number; throttledTime: number };
  };
  memory: { usage: { limit: number | null; usage: number; max: number; failcnt: number }; cache: number };
  pids: { current: number; limit: number | null };
  blkio: { ioServiceBytesRecursive: { op: 'Read' | 'Write'; value: number }[] };
}

/** One read of every counter; zero where this kernel has none. */
export function readStats(cgroup: Cgroup): Stats {
  return isUnified(cgroup.layout) ? unifiedStats(cgroup) : legacyStats(cgroup);
}

function reader(cgroup: Cgroup) {
  const file = (controller: Controller, name: string) =>
    join(cgroup.folder(controller) ?? '/nonexistent', name);
  return {
    number: (controller: Controller, name: string) => readNumber(file(controller, name)),
    key: (controller: Controller, name: string, key: string) => readKey(file(controller, name), key) ?? 0,
    text: (controller: Controller, name: string) => readText(file(controller, name)) ?? '',
  };
}

function unifiedStats(cgroup: Cgroup): Stats {
  const { number, key, text } = reader(cgroup);
  const ns = (name: string) => key('cpu', 'cpu.stat', name) * 1000;
  const io = parseIoStat(text('io', 'io.stat'));
  return {
    cpu: {
      usage: { total: ns('usage_usec'), kernel: ns('system_usec'), user: ns('user_usec') },
      throttling: {
        periods: key('cpu', 'cpu.stat', 'nr_periods'),
        throttledPeriods: key('cpu', 'cpu.stat', 'nr_throttled'),
        throttledTime: ns('throttled_usec'),
      },
    },
    memory: {
      usage: {
        limit: number('memory', 'memory.max'),
        usage: number('memory', 'memory.current') ?? 0,
        max: number('memory', 'memory.peak') ?? 0,
        failcnt: key('memory', 'memory.events', 'max'),
      },
      cache: key('memory', 'memory.stat', 'file'),
    },
    pids: { current: number('pids', 'pids.current') ?? 0, limit: number('pids', 'pids.max') },
    blkio: bytes(io),
  };
}

/** No limit is written as the largest multiple of a page below 2⁶³. */
const NO_LIMIT = 2 ** 60;

function legacyStats(cgroup: Cgroup): Stats {
  const { number, key, text } = reader(cgroup);
  const limit = number('memory', 'memory.limit_in_bytes');
  return {
    cpu: {
      usage: {
        total: number('cpuacct', 'cpuacct.usage') ?? 0,
        kernel: number('cpuacct', 'cpuacct.usage_sys') ?? 0,
        user: number('cpuacct', 'cpuacct.usage_user') ?? 0,
      },
      throttling: {
        periods: key('cpu', 'cpu.stat', 'nr_periods'),
        throttledPeriods: key('cpu', 'cpu.stat', 'nr_throttled'),
        throttledTime: key('cpu', 'cpu.stat', 'throttled_time'),
      },
    },
    memory: {
      usage: {
        limit: limit !== null && limit < NO_LIMIT ? limit : null,
        usage: number('memory', 'memory.usage_in_bytes') ?? 0,
        max: number('memory', 'memory.max_usage_in_bytes') ?? 0,
        failcnt: number('memory', 'memory.failcnt') ?? 0,
      },
      cache: key('memory', 'memory.stat', 'cache'),
    },
    pids: { current: number('pids', 'pids.current') ?? 0, limit: number('pids', 'pids.max') },
    blkio: bytes(parseBlkioBytes(text('blkio', 'blkio.throttle.io_service_bytes'))),
  };
}

function bytes(io: { read: number; write: number }): Stats['blkio'] {
  return {
    ioServiceBytesRecursive: [
      { op: 'Read', value: io.read },
      { op: 'Write', value: io.write },
    ],
  };
}
