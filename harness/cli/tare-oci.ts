import { Command, CommanderError } from 'commander';
import { machinePaths } from '../run/paths.ts';
import { EXIT } from './exit-code.ts';
import { oci } from './oci.ts';
import { errorText, processTerminal } from './terminal.ts';

/**
 * `bench oci` as a program of its own: Docker and Podman start it four times for every container, so it loads nothing of
 * the harness. Ends when nothing is left to wait for, so that what was printed is always written.
 */
async function main(argv: readonly string[]): Promise<number> {
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

process.exitCode = await main(process.argv.slice(2));
