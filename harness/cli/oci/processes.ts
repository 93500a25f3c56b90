import type { Command } from 'commander';
import { wholeNumber } from '../parse-option.ts';
import type { VerbContext } from '../verb.ts';
import { action, text, verb } from './action.ts';

/** exec and ps. */
export function processes(group: Command, context: VerbContext): void {
  verb(group, 'exec <id> [argv...]', 'run another process in a container', 'exec web ls -l /')
    .passThroughOptions()
    .option('-p, --process <file>', 'an OCI process as JSON, instead of words')
    .option('-d, --detach', 'do not wait for it')
    .option('-t, --tty', 'with a terminal, sent to --console-socket')
    .option('--console-socket <path>', "Unix socket that gets the terminal's master")
    .option('--pid-file <file>', 'write the pid of the process')
    .option('--cwd <folder>', 'working directory inside')
    .option('-e, --env <entry...>', 'NAME=value to add')
    .option('-u, --user <ids>', 'uid or uid:gid')
    .option('--preserve-fds <n>', 'further descriptors to hand in', wholeNumber(0, 1000))
    .action(
      action(context, async (root, [id, ...argv], options) => {
        const { execInContainer } = await import('../../../runtimes/container/oci/exec.ts');
        const played = await execInContainer(root, {
          id,
          cacheDir: context.paths.cacheDir,
          process: options['process']
            ? { file: String(options['process']) }
            : {
                argv,
                cwd: text(options['cwd']),
                env: options['env'] as string[] | undefined,
                user: text(options['user']),
                tty: Boolean(options['tty']),
              },
          pidFile: text(options['pidFile']),
          consoleSocket: text(options['consoleSocket']),
          preserveFds: options['preserveFds'] as number | undefined,
          detach: Boolean(options['detach']),
        });
        if (!options['detach']) context.exit(await played.wait());
      }),
    );
  verb(group, 'ps <id> [psOptions...]', 'list the processes of a container', 'ps --format json web')
    .passThroughOptions()
    .option('-f, --format <format>', 'table or json', 'table')
    .action(
      action(context, async (root, [id, ...psOptions], options) => {
        const { Cgroup } = await import('../../../runtimes/cgroup/cgroup.ts');
        const pids = new Cgroup(root.read(id).cgroupPath).pids();
        if (options['format'] === 'json') return context.terminal.out(JSON.stringify(pids));
        const { processTable } = await import('../../../runtimes/container/oci/process-table.ts');
        context.terminal.out(await processTable(pids, psOptions));
      }),
    );
}
