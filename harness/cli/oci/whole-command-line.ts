import { Command, CommanderError } from 'commander';
import { machinePaths } from '../../run/paths.ts';
import { EXIT } from '../exit-code.ts';
import { oci } from '../oci.ts';
import { errorText, processTerminal } from '../terminal.ts';

/** `tare-oci` as commander reads it: every verb, help, and the words for mistakes. @returns the exit code. */
export async function wholeCommandLine(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  const abort = new AbortController();
  let code: number = EXIT.done;
  const program = new Command('tare-oci')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: terminal.err, writeOut: (text) => terminal.out(text.trimEnd()) });
  oci(program, {
    terminal,
    catalog: { runtimes: [], workloads: [] },
    paths: machinePaths(),
    signal: abort.signal,
    exit: (wanted) => {
      code = wanted;
    },
  });
  for (const command of program.commands) {
    command.exitOverride().copyInheritedSettings(program);
    for (const child of command.commands) child.exitOverride().copyInheritedSettings(program);
  }
  try {
    await program.parseAsync(['node', 'tare-oci', 'oci', ...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    terminal.err(errorText(error));
    return EXIT.runFailed;
  }
}
