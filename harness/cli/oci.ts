import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { StateRoot } from '../../runtimes/container/oci/state.ts';
import type { OciResources } from '../../runtimes/container/spec/oci-spec.ts';
import { describeError } from '../../results/bench-error.ts';
import { packageVersion } from '../../results/package-root.ts';
import { wholeNumber } from './parse-option.ts';
import type { Verb, VerbContext } from './verb.ts';

/** Where containers are remembered when `--root` says nothing: a tmpfs on every Linux of today. */
const DEFAULT_ROOT = '/run/tare-oci';
const FAILED = 1;

interface Globals {
  root: string;
  log?: string;
  logFormat: 'text' | 'json';
}

/**
 * The OCI runtime command line, as Docker (`--add-runtime`) and Podman (`--runtime`) call it: the words, options and error
 * texts are runc's, since those are what its callers know.
 */
export const oci: Verb = (program, context) => {
  const group = program
    .command('oci')
    .description('the container runtime on OCI bundles, as Docker and Podman call it')
    .enablePositionalOptions()
    .option('--root <folder>', 'where containers are remembered', DEFAULT_ROOT)
    .option('--log <file>', 'also write errors to this file')
    .option('--log-format <format>', 'of that file: text or json', 'text')
    .option('--debug', 'accepted for compatibility; there is nothing more to say')
    .option('--systemd-cgroup', "expand 'slice:prefix:name' cgroup paths (always done)")
    .option('--rootless <when>', 'accepted for compatibility')
    .option('--criu <path>', 'accepted for compatibility')
    .version(`tare-oci version ${packageVersion()}\nspec: 1.2.0`, '-v, --version')
    .addHelpText(
      'after',
      `
Examples:
  bench oci spec && bench oci run hello
  dockerd --add-runtime tare=$(pwd)/dist/tare-oci.mjs; docker run --runtime tare debian true
  podman --runtime $(pwd)/dist/tare-oci.mjs run debian true`,
    );
  for (const add of [lifeCycle, processes, limits, information]) add(group, context);
};

function lifeCycle(group: Command, context: VerbContext): void {
  creating(group.command('create <id>'), 'make a container up to its start gate', 'create web').action(
    action(context, async (root, [id], options) => {
      const { createContainer } = await import('../../runtimes/container/oci/create.ts');
      const { played } = await createContainer(root, createRequest(context, id, options));
      await played.letGo();
    }),
  );
  verb(group, 'start <id>', 'run the program of a created container', 'start web').action(
    action(context, async (root, [id], _options, complain) => {
      const { startContainer } = await import('../../runtimes/container/oci/control.ts');
      complain(await startContainer(root, id));
    }),
  );
  creating(group.command('run <id>'), 'create, start, and wait for the end', 'run hello')
    .option('-d, --detach', 'do not wait; the container lives on by itself')
    .option('--keep', 'keep the stopped container until it is deleted')
    .action(
      action(context, async (root, [id], options, complain) => {
        const { createContainer } = await import('../../runtimes/container/oci/create.ts');
        const { startContainer, deleteContainer } = await import('../../runtimes/container/oci/control.ts');
        const { played } = await createContainer(root, createRequest(context, id, options));
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
        const { killContainer } = await import('../../runtimes/container/oci/control.ts');
        killContainer(root, id, signal || 'TERM', Boolean(options['all']));
      }),
    );
  verb(group, 'delete <id>', 'remove a stopped container', 'delete --force web')
    .option('-f, --force', 'kill it first, and be content when there is none')
    .action(
      action(context, async (root, [id], options, complain) => {
        const { deleteContainer } = await import('../../runtimes/container/oci/control.ts');
        complain(await deleteContainer(root, id, Boolean(options['force'])));
      }),
    );
  for (const [word, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const)
    verb(group, `${word} <id>`, `${word} all processes of a container`, `${word} web`).action(
      action(context, async (root, [id]) => {
        const { pauseContainer } = await import('../../runtimes/container/oci/control.ts');
        await pauseContainer(root, id, paused);
      }),
    );
}

function processes(group: Command, context: VerbContext): void {
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
        const { execInContainer } = await import('../../runtimes/container/oci/exec.ts');
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
        const { Cgroup } = await import('../../runtimes/cgroup/cgroup.ts');
        const pids = new Cgroup(root.read(id).cgroupPath).pids();
        if (options['format'] === 'json') return context.terminal.out(JSON.stringify(pids));
        const { stdout } = await execa('ps', psOptions.length > 0 ? psOptions : ['-ef']);
        context.terminal.out(rowsOf(stdout, pids));
      }),
    );
}

function limits(group: Command, context: VerbContext): void {
  verb(group, 'update <id>', 'change the limits of a running container', 'update --memory 268435456 web')
    .option('-r, --resources <file>', "OCI resources as JSON; '-' reads stdin")
    .option('--memory <bytes>', 'memory limit', Number)
    .option('--memory-reservation <bytes>', 'memory kept for it under pressure', Number)
    .option('--memory-swap <bytes>', 'memory and swap together', Number)
    .option('--cpu-shares <n>', 'relative share of CPU time', Number)
    .option('--cpu-quota <us>', 'CPU time per period', Number)
    .option('--cpu-period <us>', 'length of a period', Number)
    .option('--cpuset-cpus <list>', 'CPUs it may run on')
    .option('--cpuset-mems <list>', 'memory nodes it may use')
    .option('--pids-limit <n>', 'number of processes', Number)
    .option('--blkio-weight <n>', 'relative share of the disk', Number)
    .action(
      action(context, async (root, [id], options, complain) => {
        const { parseResources, updateContainer } = await import('../../runtimes/container/oci/update.ts');
        const file = text(options['resources']);
        const resources =
          file === undefined
            ? resourcesOf(options)
            : parseResources(readFileSync(file === '-' ? 0 : file, 'utf8'));
        complain(updateContainer(root, id, resources));
      }),
    );
  verb(
    group,
    'events <id>',
    'print what a container uses, and when it ran out of memory',
    'events --stats web',
  )
    .option('--stats', 'once, then end')
    .option('--interval <time>', "time between, e.g. '5s'", '5s')
    .action(
      action(context, async (root, [id], options) => {
        const { containerEvents } = await import('../../runtimes/container/oci/events.ts');
        const intervalMs = Math.max(0.1, Number.parseFloat(String(options['interval']))) * 1000;
        const once = Boolean(options['stats']);
        for await (const line of containerEvents(root, id, { intervalMs, once, signal: context.signal }))
          context.terminal.out(line);
      }),
    );
}

function information(group: Command, context: VerbContext): void {
  verb(group, 'state <id>', 'print the state of a container as JSON', 'state web').action(
    action(context, async (root, [id]) => {
      const { currentStatus, publicState } = await import('../../runtimes/container/oci/status.ts');
      const state = root.read(id);
      context.terminal.out(JSON.stringify(publicState(state, currentStatus(root, state)), null, 2));
    }),
  );
  verb(group, 'list', 'list all containers', 'list --format json')
    .option('-f, --format <format>', 'table or json', 'table')
    .option('-q, --quiet', 'ids only')
    .action(
      action(context, async (root, _words, options) => {
        const { currentStatus, publicState } = await import('../../runtimes/container/oci/status.ts');
        const states = root.list().map((state) => publicState(state, currentStatus(root, state)));
        if (options['quiet']) return states.forEach(({ id }) => context.terminal.out(String(id)));
        if (options['format'] === 'json') return context.terminal.out(JSON.stringify(states));
        const rows = states.map(({ id, pid, status, bundle, created }) => [id, pid, status, bundle, created]);
        context.terminal.out(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED'], ...rows]));
      }),
    );
  verb(group, 'spec', 'write a config.json to start from', 'spec --bundle ./hello')
    .option('-b, --bundle <folder>', 'where to', '.')
    .action(
      action(context, async (_root, _words, options) => {
        const { writeSpec } = await import('../../runtimes/container/oci/write-spec.ts');
        writeSpec(String(options['bundle']));
      }),
    );
  verb(group, 'features', 'print what this runtime can do, as JSON', 'features').action(
    action(context, async () => {
      const { features } = await import('../../runtimes/container/oci/features.ts');
      context.terminal.out(JSON.stringify(features(), null, 2));
    }),
  );
}

type Options = Record<string, unknown>;
type Act = (
  root: StateRoot,
  words: [string, ...string[]],
  options: Options,
  complain: (complaints: string[]) => void,
) => Promise<unknown>;

/** Parses, calls, and says what went wrong as runc does: on stderr, in the log that was asked for, and with exit code 1. */
function action(context: VerbContext, act: Act): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const globals = command.optsWithGlobals<Globals>();
    const { writeLog } = await import('../../runtimes/container/oci/log-file.ts');
    const { StateRoot } = await import('../../runtimes/container/oci/state.ts');
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

function verb(group: Command, usage: string, description: string, example: string): Command {
  return group
    .command(usage)
    .description(description)
    .addHelpText('after', `\nExample:\n  bench oci ${example}`);
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

function resourcesOf(options: Options): OciResources {
  const number = (name: string) => options[name] as number | undefined;
  return {
    memory: {
      limit: number('memory'),
      reservation: number('memoryReservation'),
      swap: number('memorySwap'),
    },
    cpu: {
      shares: number('cpuShares'),
      quota: number('cpuQuota'),
      period: number('cpuPeriod'),
      cpus: text(options['cpusetCpus']),
      mems: text(options['cpusetMems']),
    },
    pids: { limit: number('pidsLimit') },
    blockIO: { weight: number('blkioWeight') },
  };
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** The lines of `ps` whose PID column is one of ours, below its head. */
function rowsOf(ps: string, pids: readonly number[]): string {
  const [head = '', ...rows] = ps.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  const ours = rows.filter((row) => pids.includes(Number(row.trim().split(/\s+/)[column])));
  return [head, ...ours].join('\n');
}

function table(rows: unknown[][]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
