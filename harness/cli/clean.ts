import { sweep } from '../../runtimes/sweep/sweep.ts';
import type { Verb } from './verb.ts';

export const clean: Verb = (program, context) => {
  program
    .command('clean')
    .description(
      'remove whatever killed runs and killed callers left on this machine (processes, mounts, networks, cgroups, disks)',
    )
    .option('--json', 'print what was removed as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  bench clean\n\nTouches only what dead runs of Tare made, and containers left half made or half removed; what is going on is left alone.',
    )
    .action(async (options: { json?: boolean }) => {
      const { sweepContainers } = await import('../../runtimes/container/lifecycle/index.ts');
      const removed = [...(await sweep()), ...(await sweepContainers(context.paths.cacheDir))];
      if (options.json) context.terminal.out(JSON.stringify({ removed }));
      else
        context.terminal.out(
          removed.length === 0 ? 'nothing to clean' : removed.map((line) => `removed ${line}`).join('\n'),
        );
    });
};
