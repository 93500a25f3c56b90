import { wholeNumber } from './parse-option.ts';
import type { Verb } from './verb.ts';

export const vm: Verb = (program, context) => {
  program
    .command('vm')
    .description('boot a virtual machine as trials get it, and run a command or a shell in it')
    .argument('[command...]', 'a command to run inside; without one, lines of standard input are run by sh')
    .option('-o, --option <key=value...>', 'an option of the qemu runtime, as in a matrix file', [])
    .option('--cpus <n>', 'number of vCPUs', wholeNumber(1, 1024), 1)
    .option('--memory <MiB>', 'guest RAM', wholeNumber(64, 1_048_576), 512)
    .option('--json', 'print the machine’s facts and the result as JSON')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nExample:\n  bench vm -o format=raw -o cache=writeback -- lsblk\n  bench vm -o start=cold',
    )
    .action(
      async (
        command: string[],
        options: { option: string[]; cpus: number; memory: number; json?: boolean },
      ) => {
        const { inspectVm } = await import('../vm/inspect-vm.ts');
        const exitCode = await inspectVm({
          command,
          options: options.option,
          cpus: options.cpus,
          memoryMiB: options.memory,
          json: options.json ?? false,
          paths: context.paths,
          signal: context.signal,
          out: (text) => context.terminal.out(text),
          say: (text) => context.terminal.err(text),
        });
        if (exitCode !== 0) context.exit(exitCode);
      },
    );
};
