import { Command } from 'commander';
import { packageVersion } from '../../results/package-root.ts';
import { analyze } from './analyze.ts';
import { clean } from './clean.ts';
import { compare } from './compare.ts';
import { container } from './container.ts';
import { doctor } from './doctor.ts';
import { exportVerb } from './export.ts';
import { gate } from './gate.ts';
import { history } from './history.ts';
import { image } from './image.ts';
import { list } from './list.ts';
import { oci } from './oci.ts';
import { plan } from './plan.ts';
import { publish } from './publish.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { setup } from './setup.ts';
import type { Verb, VerbContext } from './verb.ts';
import { vm } from './vm.ts';

/** Every verb of `bench`, in the order `bench --help` shows them. */
const VERBS: readonly Verb[] = [
  run,
  plan,
  report,
  history,
  compare,
  gate,
  publish,
  exportVerb,
  analyze,
  list,
  doctor,
  setup,
  clean,
  image,
  oci,
  container,
  vm,
];

/** The command line with all its verbs; parsing it runs one of them. */
export function buildProgram(context: VerbContext): Command {
  const program = new Command('bench')
    .description('Tare: what does a virtual machine or a container really cost?')
    .version(packageVersion())
    .showSuggestionAfterError()
    // What comes after a verb is the verb's: `exec web ls -l` hands -l to ls.
    .enablePositionalOptions()
    .configureOutput({
      writeErr: (text) => context.terminal.err(text),
      writeOut: (text) => context.terminal.out(text.trimEnd()),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  bench run --matrix         measure native, container and VMs; ends with a table and a report
  bench doctor               what this machine can and can't do, and the command that mends it

Exit codes: 0 done · 1 gate failed · 2 wrong use · 3 gate inconclusive · 4 not comparable · 5 run failed · 130 interrupted`,
    );
  for (const verb of VERBS) verb(program, context);
  for (const command of allCommands(program)) command.exitOverride().copyInheritedSettings(program);
  return program;
}

/** A command's subcommands, theirs, and so on. */
export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}
