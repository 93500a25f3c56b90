import { InvalidArgumentError, type Command } from 'commander';
import type { VerbContext } from '../verb.ts';

interface InsideFlags {
  env: string[];
  workdir?: string;
  tools?: boolean;
}

const collect = (value: string, list: string[]): string[] => [...list, value];

export function insideVerbs(group: Command, context: VerbContext): void {
  const { signal, exit } = context;
  insideFlags(group.command('exec <machine> <command...>'))
    .description('run a program in a machine, with our input and output; ends with its exit code')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  bench vm exec web cat /proc/interrupts')
    .action(async (name: string, argv: string[], flags: InsideFlags) => {
      exit(await session(name, argv, flags, false, signal));
    });
  insideFlags(group.command('shell <machine> [command...]'))
    .description('a shell (or another program) in a machine, on a terminal of its own')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  bench vm shell web')
    .action(async (name: string, argv: string[], flags: InsideFlags) => {
      const login = ['sh', '-c', 'if command -v bash > /dev/null; then exec bash -l; else exec sh -l; fi'];
      exit(await session(name, argv.length > 0 ? argv : login, flags, true, signal));
    });
  group
    .command('cp <from> <to>')
    .description('copy a file or a folder into a machine, or out of it (name:/path)')
    .addHelpText('after', '\nExamples:\n  bench vm cp job.fio web:/data/\n  bench vm cp web:/var/log ./logs')
    .action(async (from: string, to: string) => {
      const { copyFiles } = await import('../../vm/copy-files.ts');
      await copyFiles(from, to);
    });
}

function insideFlags(command: Command): Command {
  return command
    .option('-e, --env <name=value>', 'an environment variable', collect, [])
    .option('-w, --workdir <folder>', 'working directory')
    .option('--tools', "of a disk image's machine: in the tree of our tools, where its trials run");
}

async function session(
  name: string,
  argv: string[],
  flags: InsideFlags,
  terminal: boolean,
  signal: AbortSignal,
): Promise<number> {
  const { findRunning } = await import('../../../runtimes/qemu/lifecycle/machine-record.ts');
  const { terminalSession } = await import('../../vm/terminal-session.ts');
  const { stdin, stdout, stderr } = process;
  const env = {
    ...(terminal ? { TERM: process.env.TERM ?? 'xterm' } : {}),
    ...Object.fromEntries(flags.env.map(pair)),
  };
  return terminalSession(
    findRunning(name),
    { argv, env, cwd: flags.workdir, terminal, ...(flags.tools && { runAs: 'run' as const }) },
    { stdin, stdout, stderr, signal },
  );
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`"${text}" is no name=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}
