import { readFileSync } from 'node:fs';
import type { OciResources } from '../../../runtimes/container/spec/oci-spec.ts';
import { text, type Options, type OciVerb } from './oci-verb.ts';

/** update and events. */
export const LIMITS: readonly OciVerb[] = [
  {
    usage: 'update <id>',
    description: 'change the limits of a running container',
    example: 'update --memory 268435456 web',
    options: [
      { flags: '-r, --resources <file>', help: "OCI resources as JSON; '-' reads stdin" },
      { flags: '--memory <bytes>', help: 'memory limit', parse: Number },
      {
        flags: '--memory-reservation <bytes>',
        help: 'memory kept for it under pressure',
        parse: Number,
      },
      { flags: '--memory-swap <bytes>', help: 'memory and swap together', parse: Number },
      { flags: '--cpu-shares <n>', help: 'relative share of CPU time', parse: Number },
      { flags: '--cpu-quota <us>', help: 'CPU time per period', parse: Number },
      { flags: '--cpu-period <us>', help: 'length of a period', parse: Number },
      { flags: '--cpuset-cpus <list>', help: 'CPUs it may run on' },
      { flags: '--cpuset-mems <list>', help: 'memory nodes it may use' },
      { flags: '--pids-limit <n>', help: 'number of processes', parse: Number },
      { flags: '--blkio-weight <n>', help: 'relative share of the disk', parse: Number },
    ],
    async act({ root, words: [id], options, complain }) {
      const { parseResources, updateContainer } = await import('../../../runtimes/container/oci/update.ts');
      const file = text(options['resources']);
      const resources =
        file === undefined
          ? resourcesOf(options)
          : parseResources(readFileSync(file === '-' ? 0 : file, 'utf8'));
      complain(updateContainer(root, id, resources));
    },
  },
  {
    usage: 'events <id>',
    description: 'print what a container uses, and when it ran out of memory',
    example: 'events --stats web',
    options: [
      { flags: '--stats', help: 'once, then end' },
      { flags: '--interval <time>', help: "time between, e.g. '5s'", default: '5s' },
    ],
    async act({ root, words: [id], options, out, signal }) {
      const { containerEvents } = await import('../../../runtimes/container/oci/events.ts');
      const intervalMs = Math.max(0.1, Number.parseFloat(String(options['interval']))) * 1000;
      const once = Boolean(options['stats']);
      for await (const line of containerEvents(root, id, { intervalMs, once, signal })) out(line);
    },
  },
];

function resourcesOf(options: Options): OciResources {
  const number = (name: string) => options[name] as number | undefined;
  return {
    memory: {
      limit: number('memory'),
      reservation: number('memoryReservation'),
      swap: number('memorySwap'),
    },
    cpu: {
      shares: number('cpuShares'),
      quota: number('cpuQuota'),
      period: number('cpuPeriod'),
      cpus: text(options['cpusetCpus']),
      mems: text(options['cpusetMems']),
    },
    pids: { limit: number('pidsLimit') },
    blockIO: { weight: number('blkioWeight') },
  };
}
