import { InvalidArgumentError, type Command } from 'commander';
import { wholeNumber } from '../parse-option.ts';
import type { VmBoot } from '../../vm/boot-vm.ts';
import type { VerbContext } from '../verb.ts';

interface MachineFlags {
  option: string[];
  cpus?: number;
  memory?: number;
  json?: boolean;
}

interface BootFlags extends MachineFlags {
  name?: string;
  matrix?: string;
  arm?: string;
  detach?: boolean;
}

const DEFAULT_CPUS = 1;
const DEFAULT_MEMORY_MIB = 512;

function machineFlags(command: Command): Command {
  return command
    .option('-o, --option <key=value...>', 'an option of the qemu runtime, as in a matrix file', [])
    .option('--cpus <n>', `number of vCPUs (default: ${DEFAULT_CPUS})`, wholeNumber(1, 1024))
    .option('--memory <MiB>', `guest RAM (default: ${DEFAULT_MEMORY_MIB})`, wholeNumber(64, 1_048_576));
}

export function bootVerbs(group: Command, context: VerbContext): void {
  const { terminal, paths, signal } = context;
  machineFlags(group.command('run [command...]', { isDefault: true }))
    .description('boot a machine, run a command in it, and remove it; without one, lines of standard input')
    .option('--json', 'print the machine’s facts and the result as JSON')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nExamples:\n  bench vm run -o format=raw -o cache=writeback -- lsblk\n  bench vm -o start=cold',
    )
    .action(async (command: string[], flags: MachineFlags) => {
      const { inspectVm } = await import('../../vm/inspect-vm.ts');
      const exitCode = await inspectVm({
        command,
        options: flags.option,
        cpus: flags.cpus ?? DEFAULT_CPUS,
        memoryMiB: flags.memory ?? DEFAULT_MEMORY_MIB,
        json: flags.json ?? false,
        ...{ paths, signal },
        out: (text) => terminal.out(text),
        say: (text) => terminal.err(text),
      });
      if (exitCode !== 0) context.exit(exitCode);
    });
  machineFlags(group.command('boot [image]'))
    .description('boot a machine and keep it: of our image, of a disk image, or of an arm of a matrix')
    .option('--name <name>', 'a name of your own')
    .option('--matrix <file|name>', 'boot what an arm of this matrix would get, on its CPUs and memory')
    .option('--arm <id>', 'which arm of the matrix')
    .option('-d, --detach', 'let it go on when this command ends; prints its name')
    .option('--json', 'print the machine as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bench vm boot -d --name web debian-12.qcow2 -o firmware=uefi\n  bench vm boot -d --matrix homework --arm vm',
    )
    .action(async (image: string | undefined, flags: BootFlags) => {
      const { bootVm } = await import('../../vm/boot-vm.ts');
      await bootVm({
        name: flags.name,
        ...(await machineOf(image, flags, context)),
        detach: flags.detach ?? false,
        ...{ paths, signal },
        say: (text) => terminal.err(text),
        booted(record, caveats) {
          for (const caveat of caveats) terminal.err(`note: ${caveat}\n`);
          terminal.out(flags.json ? JSON.stringify(record) : record.name);
          if (!flags.detach && !flags.json)
            terminal.err(`running; bench vm shell ${record.name} in another window, Ctrl-C to end it\n`);
        },
      });
    });
}

async function machineOf(
  image: string | undefined,
  flags: BootFlags,
  { catalog }: VerbContext,
): Promise<Pick<VmBoot, 'options' | 'resources'>> {
  const { hostLimits } = await import('../../host/limits.ts');
  const { resourcesFor, vmOptions } = await import('../../vm/inspect-vm.ts');
  const host = hostLimits();
  if (flags.matrix === undefined) {
    if (flags.arm !== undefined) throw new InvalidArgumentError('--arm needs the --matrix it stands in');
    const words = [...(image === undefined ? [] : [`image=${JSON.stringify(image)}`]), ...flags.option];
    const resources = resourcesFor(flags.cpus ?? DEFAULT_CPUS, flags.memory ?? DEFAULT_MEMORY_MIB, host.cpus);
    return { options: vmOptions(words), resources };
  }
  if (
    image !== undefined ||
    flags.option.length > 0 ||
    flags.cpus !== undefined ||
    flags.memory !== undefined
  )
    throw new InvalidArgumentError(
      '--matrix says all about the machine: no image, --option, --cpus or --memory beside it',
    );
  const { armOfMatrix } = await import('../../vm/arm-of-matrix.ts');
  return armOfMatrix(flags.matrix, flags.arm, catalog, host);
}
