import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import type { OciResources } from '../../../runtimes/container/spec/oci-spec.ts';
import type { VerbContext } from '../verb.ts';
import { action, text, verb, type Options } from './action.ts';

/** update and events. */
export function limits(group: Command, context: VerbContext): void {
  verb(group, 'update <id>', 'change the limits of a running container', 'update --memory 268435456 web')
    .option('-r, --resources <file>', "OCI resources as JSON; '-' reads stdin")
    .option('--memory <bytes>', 'memory limit', Number)
    .option('--memory-reservation <bytes>', 'memory kept for it under pressure', Number)
    .option('--memory-swap <bytes>', 'memory and swap together', Number)
    .option('--cpu-shares <n>', 'relative share of CPU time', Number)
    .option('--cpu-quota <us>', 'CPU time per period', Number)
    .option('--cpu-period <us>', 'length of a period', Number)
    .option('--cpuset-cpus <list>', 'CPUs it may run on')
    .option('--cpuset-mems <list>', 'memory nodes it may use')
    .option('--pids-limit <n>', 'number of processes', Number)
    .option('--blkio-weight <n>', 'relative share of the disk', Number)
    .action(
      action(context, async (root, [id], options, complain) => {
        const { parseResources, updateContainer } = await import('../../../runtimes/container/oci/update.ts');
        const file = text(options['resources']);
        const resources =
          file === undefined
            ? resourcesOf(options)
            : parseResources(readFileSync(file === '-' ? 0 : file, 'utf8'));
        complain(updateContainer(root, id, resources));
      }),
    );
  verb(
    group,
    'events <id>',
    'print what a container uses, and when it ran out of memory',
    'events --stats web',
  )
    .option('--stats', 'once, then end')
    .option('--interval <time>', "time between, e.g. '5s'", '5s')
    .action(
      action(context, async (root, [id], options) => {
        const { containerEvents } = await import('../../../runtimes/container/oci/events.ts');
        const intervalMs = Math.max(0.1, Number.parseFloat(String(options['interval']))) * 1000;
        const once = Boolean(options['stats']);
        for await (const line of containerEvents(root, id, { intervalMs, once, signal: context.signal }))
          context.terminal.out(line);
      }),
    );
}

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
