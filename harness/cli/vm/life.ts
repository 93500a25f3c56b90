import type { Command } from 'commander';
import { wholeNumber } from '../parse-option.ts';
import type { VerbContext } from '../verb.ts';

const LONGEST_GRACE_SECONDS = 86_400;

export function lifeVerbs(group: Command, context: VerbContext): void {
  const { terminal, signal } = context;
  group
    .command('ps')
    .alias('list')
    .description('list the machines that were booted to stay')
    .option('--json', 'as JSON, one array')
    .addHelpText('after', '\nExample:\n  bench vm ps')
    .action(async (flags: { json?: boolean }) => {
      const { listMachines } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      const { machineRows, machineTable } = await import('../../vm/machine-table.ts');
      const rows = machineRows(listMachines());
      terminal.out(flags.json ? JSON.stringify(rows) : machineTable(rows));
    });
  group
    .command('inspect <machine>')
    .description('everything known of a machine, as JSON: its facts, sockets, addresses')
    .addHelpText('after', '\nExample:\n  bench vm inspect web')
    .action(async (name: string) => {
      const { findMachine } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      terminal.out(JSON.stringify(findMachine(name), null, 2));
    });
  group
    .command('console <machine>')
    .description('print what the machine wrote on its serial console')
    .option('-f, --follow', 'go on until it ends')
    .addHelpText('after', '\nExample:\n  bench vm console -f web')
    .action(async (name: string, flags: { follow?: boolean }) => {
      const { findMachine } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      const { printConsole } = await import('../../vm/follow-console.ts');
      const out = (chunk: Buffer): void => void process.stdout.write(chunk);
      await printConsole(findMachine(name), flags.follow ?? false, out, signal);
    });
  group
    .command('stop <machine...>')
    .description(
      'ask machines to power down, then end them; disks and console stay until rm or the next sweep',
    )
    .option(
      '-t, --time <seconds>',
      'how long to wait before ending it (default: 30)',
      wholeNumber(0, LONGEST_GRACE_SECONDS),
    )
    .addHelpText('after', '\nExample:\n  bench vm stop -t 60 web')
    .action(async (names: string[], flags: { time?: number }) => {
      const { findMachine } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      const { stopMachine } = await import('../../../runtimes/qemu/lifecycle/stop-machine.ts');
      const { STOP_GRACE_SECONDS } = await import('../../../runtimes/qemu/defaults.ts');
      for (const name of names)
        terminal.out(`${name}: ${await stopMachine(findMachine(name), flags.time ?? STOP_GRACE_SECONDS)}`);
    });
  group
    .command('rm <machine...>')
    .description('remove machines with all they wrote')
    .option('-f, --force', 'end them first')
    .addHelpText('after', '\nExample:\n  bench vm rm -f web')
    .action(async (names: string[], flags: { force?: boolean }) => {
      const { findMachine } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
      const { removeMachine } = await import('../../../runtimes/qemu/lifecycle/stop-machine.ts');
      for (const name of names) await removeMachine(findMachine(name), flags.force ?? false);
    });
}
