import type { Command } from 'commander';
import { wholeNumber } from '../parse-option.ts';
import type { VerbContext } from '../verb.ts';
import { action, text, verb, type Options } from './action.ts';

/** create, start, run, kill, delete, pause, resume. */
export function lifeCycle(group: Command, context: VerbContext): void {
  creating(group.command('create <id>'), 'make a container up to its start gate', 'create web').action(
    action(context, async (root, [id], options, complain) => {
      const { createContainer } = await import('../../../runtimes/container/oci/create.ts');
      const { played, warnings } = await createContainer(root, createRequest(context, id, options));
      complain(warnings);
      await played.letGo();
    }),
  );
  verb(group, 'start <id>', 'run the program of a created container', 'start web').action(
    action(context, async (root, [id], _options, complain) => {
      const { startContainer } = await import('../../../runtimes/container/oci/control.ts');
      complain(await startContainer(root, id));
    }),
  );
  creating(group.command('run <id>'), 'create, start, and wait for the end', 'run hello')
    .option('-d, --detach', 'do not wait; the container lives on by itself')
    .option('--keep', 'keep the stopped container until it is deleted')
    .action(
      action(context, async (root, [id], options, complain) => {
        const { createContainer } = await import('../../../runtimes/container/oci/create.ts');
        const { startContainer, deleteContainer } =
          await import('../../../runtimes/container/oci/control.ts');
        const { played, warnings } = await createContainer(root, createRequest(context, id, options));
        complain(warnings);
        const ended = options['detach'] ? undefined : played.wait();
        if (!ended) await played.letGo();
        complain(await startContainer(root, id));
        if (!ended) return;
        context.exit(await ended);
        if (!options['keep']) complain(await deleteContainer(root, id, true));
      }),
    );
  verb(group, 'kill <id> [signal]', 'send a signal to the first process (TERM)', 'kill web KILL')
    .option('-a, --all', 'to all processes')
    .action(
      action(context, async (root, [id, signal], options) => {
        const { killContainer } = await import('../../../runtimes/container/oci/control.ts');
        killContainer(root, id, signal || 'TERM', Boolean(options['all']));
      }),
    );
  verb(group, 'delete <id>', 'remove a stopped container', 'delete --force web')
    .option('-f, --force', 'kill it first, and be content when there is none')
    .action(
      action(context, async (root, [id], options, complain) => {
        const { deleteContainer } = await import('../../../runtimes/container/oci/control.ts');
        complain(await deleteContainer(root, id, Boolean(options['force'])));
      }),
    );
  for (const [word, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const)
    verb(group, `${word} <id>`, `${word} all processes of a container`, `${word} web`).action(
      action(context, async (root, [id]) => {
        const { pauseContainer } = await import('../../../runtimes/container/oci/control.ts');
        await pauseContainer(root, id, paused);
      }),
    );
}

function creating(command: Command, description: string, example: string): Command {
  return command
    .description(description)
    .option('-b, --bundle <folder>', 'the bundle', '.')
    .option('--pid-file <file>', 'write the pid of the first process')
    .option('--console-socket <path>', "Unix socket that gets the terminal's master")
    .option('--no-pivot', 'accepted for compatibility; the root is always changed by pivot_root')
    .option('--no-new-keyring', 'accepted for compatibility; a container always gets a keyring of its own')
    .option('--preserve-fds <n>', 'further descriptors to hand in', wholeNumber(0, 1000))
    .addHelpText('after', `\nExample:\n  bench oci ${example}`);
}

function createRequest(context: VerbContext, id: string, options: Options) {
  return {
    id,
    bundle: String(options['bundle']),
    cacheDir: context.paths.cacheDir,
    pidFile: text(options['pidFile']),
    consoleSocket: text(options['consoleSocket']),
    preserveFds: options['preserveFds'] as number | undefined,
  };
}
