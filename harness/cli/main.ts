import { Command, CommanderError } from 'commander';
import { packageVersion } from '../../results/package-root.ts';
import { runtimes } from '../../runtimes/catalog.ts';
import { workloads } from '../../workloads/catalog.ts';
import { machinePaths } from '../run/paths.ts';
import { clean } from './clean.ts';
import { doctor } from './doctor.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { list } from './list.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { setup } from './setup.ts';
import { errorText, processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';

/** Every verb of `bench`, in the order `bench --help` shows them. */
const VERBS: readonly Verb[] = [run, plan, report, list, doctor, setup, clean];

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(argv: string[]): Promise<number> {
  const terminal = processTerminal();
  const abort = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      terminal.err(
        abort.signal.aborted
          ? '\nstill cleaning up …\n'
          : '\ninterrupted: ending the trial, keeping what was measured …\n',
      );
      abort.abort();
    });
  }
  let code: number = EXIT.done;
  const program = new Command('bench')
    .description('Tare: what does a virtual machine or a container really cost?')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeErr: terminal.err })
    .addHelpText(
      'after',
      `
Start here:
  bench run --matrix         measure native, container and VMs; ends with a table and a report
  bench doctor               what this machine can and can't do, and the command that mends it

Exit codes: 0 done · 1 gate failed · 2 wrong use · 3 gate inconclusive · 4 not comparable · 5 run failed · 130 interrupted`,
    );
  const context = {
    terminal,
    catalog: { runtimes, workloads },
    paths: machinePaths(),
    signal: abort.signal,
    exit: (wanted: number) => {
      code = wanted;
    },
  };
  for (const verb of VERBS) verb(program, context);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    terminal.err(errorText(error));
    return exitCodeOf(error);
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `bench list | head` closes our stdout early; that is no failure of ours.
  if (error.code !== 'EPIPE') throw error;
});
process.exit(await main(process.argv));
