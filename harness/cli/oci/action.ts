import type { Command } from 'commander';
import { describeError } from '../../../results/bench-error.ts';
import type { StateRoot } from '../../../runtimes/container/oci/state.ts';
import type { VerbContext } from '../verb.ts';

const FAILED = 1;

/** Options before the verb, as runc has them. */
interface Globals {
  root: string;
  log?: string;
  logFormat: 'text' | 'json';
}

export type Options = Record<string, unknown>;
export type Act = (
  root: StateRoot,
  words: [string, ...string[]],
  options: Options,
  complain: (complaints: string[]) => void,
) => Promise<unknown>;

/** Parses, calls, and says what went wrong as runc does: on stderr, in the log that was asked for, and with exit code 1. */
export function action(context: VerbContext, act: Act): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const globals = command.optsWithGlobals<Globals>();
    const { writeLog } = await import('../../../runtimes/container/oci/log-file.ts');
    const { StateRoot } = await import('../../../runtimes/container/oci/state.ts');
    const log = { path: globals.log, format: globals.logFormat };
    try {
      await act(
        new StateRoot(globals.root),
        command.args as [string, ...string[]],
        command.opts(),
        (complaints) => {
          for (const complaint of complaints) {
            writeLog(log, 'warning', complaint);
            context.terminal.err(`${complaint}\n`);
          }
        },
      );
    } catch (error) {
      writeLog(log, 'error', describeError(error));
      context.terminal.err(`${describeError(error)}\n`);
      context.exit(FAILED);
    }
  };
}

/** A verb with its example. */
export function verb(group: Command, usage: string, description: string, example: string): Command {
  return group
    .command(usage)
    .description(description)
    .addHelpText('after', `\nExample:\n  bench oci ${example}`);
}

/** An option's words, where it was given. */
export function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
