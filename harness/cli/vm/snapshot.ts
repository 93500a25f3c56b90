import type { Command } from 'commander';
import type { VerbContext } from '../verb.ts';

/** Moments of a machine, saved in its own disks, and what saving and going back cost. */
export function snapshotVerbs(group: Command, context: VerbContext): void {
  const { terminal } = context;
  const snapshot = group
    .command('snapshot')
    .description("save a machine's moment, memory included, and go back to it");
  for (const [verb, description] of [
    ['save', 'save memory, devices and disks of this moment; prints what it cost'],
    ['load', 'go back to a moment; clock and randomness are put right; prints what it cost'],
    ['delete', 'forget a moment'],
  ] as const)
    snapshot
      .command(`${verb} <machine> <snapshot>`)
      .description(description)
      .option('--json', 'print the cost as JSON')
      .addHelpText('after', `\nExample:\n  bench vm snapshot ${verb} web before-upgrade`)
      .action(async (machine: string, name: string, flags: { json?: boolean }) => {
        const { findRunning } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
        const life = await import('../../../runtimes/qemu/lifecycle/snapshots.ts');
        const record = findRunning(machine);
        if (verb === 'delete') return life.deleteSnapshot(record, name);
        const cost = await (verb === 'save'
          ? life.saveSnapshot(record, name)
          : life.loadSnapshot(record, name));
        terminal.out(
          flags.json
            ? JSON.stringify(cost)
            : `${name}: ${verb === 'save' ? 'saved' : 'loaded'} in ${cost.ms} ms, ${Math.round(cost.stateBytes / 2 ** 20)} MiB of memory and devices`,
        );
      });
  snapshot
    .command('list <machine>')
    .description('the moments a machine can go back to')
    .option('--json', 'as JSON, one array')
    .addHelpText('after', '\nExample:\n  bench vm snapshot list web')
    .action(async (machine: string, flags: { json?: boolean }) => {
      const { findRunning } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      const { listSnapshots } = await import('../../../runtimes/qemu/lifecycle/snapshots.ts');
      const all = await listSnapshots(findRunning(machine));
      if (flags.json) terminal.out(JSON.stringify(all));
      else
        for (const each of all)
          terminal.out(`${each.name}  ${each.savedAt}  ${Math.round(each.stateBytes / 2 ** 20)} MiB`);
    });
}
