import type { Command } from 'commander';
import type { RunFlags } from '../../runtimes/container/lifecycle/run-request.ts';
import type { Verb, VerbContext } from './verb.ts';

const collect = (value: string, list: string[]): string[] => [...list, value];

/** Containers of our own runtime: the words and flags a Docker user's fingers know. */
export const container: Verb = (program, context) => {
  const group = program
    .command('container')
    .description("run and look after containers of Tare's own runtime")
    .addHelpText(
      'after',
      `
Examples:
  bench container run --rm tare/guest sysbench cpu run
  bench container run -d -p 8080:8080 --name web socket-server
  bench container exec web cat /proc/self/status`,
    );
  running(group, context);
  looking(group, context);
  controlling(group, context);
};

function running(group: Command, context: VerbContext): void {
  const { terminal, paths, signal, exit } = context;
  for (const verb of ['run', 'create', 'plan'] as const) {
    const words = {
      run: 'make a container and run a program in it',
      create: 'make a container that waits to be started',
      plan: 'print the launch plan of a container without making it',
    }[verb];
    runFlags(word(group, `${verb} <image> [command...]`, words, `${verb} tare/guest uname -a`))
      .passThroughOptions()
      .action(async (image: string, command: string[], flags: RunFlags & { detach?: boolean }) => {
        const life = await import('../../runtimes/container/lifecycle/index.ts');
        await life.reapEnded();
        const source = await life.openSource(image, paths.cacheDir, signal);
        const request = life.runRequest(flags, source, command, paths.cacheDir);
        if (verb === 'plan') terminal.out(life.printablePlan(request));
        else if (verb === 'create') terminal.out((await life.createContainer(request)).id);
        else if (flags.detach) terminal.out(await life.runDetached(request));
        else {
          const { stdin, stdout, stderr } = process;
          exit(await life.runForeground(request, { stdin, stdout, stderr, signal }));
        }
      });
  }
  word(group, 'exec <container> <command...>', 'run a program in a running container', 'exec web ls /')
    .option('-e, --env <name=value>', 'an environment variable', collect, [])
    .option('-w, --workdir <folder>', 'working directory')
    .option('-u, --user <uid[:gid]>', 'another user, by number')
    .option('-i, --interactive', 'hand on standard input (always done)')
    .passThroughOptions()
    .action(
      async (name: string, argv: string[], flags: { env: string[]; workdir?: string; user?: string }) => {
        const life = await import('../../runtimes/container/lifecycle/index.ts');
        const request = {
          cacheDir: paths.cacheDir,
          argv,
          env: flags.env,
          cwd: flags.workdir,
          user: flags.user,
          signal,
        };
        exit(life.exitCodeOf(await life.execInContainer(life.findRecord(name), request)));
      },
    );
}

function runFlags(command: Command): Command {
  return command
    .option('-d, --detach', 'go on in the background; prints the id')
    .option('-i, --interactive', 'hand on standard input')
    .option('-t, --tty', 'give it a terminal')
    .option('--rm', 'remove it when it has ended')
    .option('--name <name>', 'a name of your own')
    .option('--hostname <name>', 'its host name')
    .option('-e, --env <name=value>', 'an environment variable', collect, [])
    .option('-v, --volume <host:inside[:ro]>', 'a folder or file of the host', collect, [])
    .option('--tmpfs <folder[:options]>', 'an empty folder in memory', collect, [])
    .option('-p, --publish <host:inside[/udp]>', 'a port of the host', collect, [])
    .option('-m, --memory <size>', 'memory limit, e.g. 512m')
    .option('--cpus <number>', 'CPU time per time, e.g. 1.5')
    .option('--cpuset-cpus <list>', 'CPUs it may use, e.g. 0-1')
    .option('-c, --cpu-shares <number>', 'relative CPU weight')
    .option('--pids-limit <number>', 'most processes at once')
    .option('--network <kind>', 'none, host or bridge', 'bridge')
    .option('-u, --user <user[:group]>', 'who runs it: uid, name, either with a group')
    .option('-w, --workdir <folder>', 'working directory')
    .option('--entrypoint <program>', "in place of the image's own")
    .option('--cap-add <name>', 'grant a capability', collect, [])
    .option('--cap-drop <name>', 'take a capability away; ALL for every one', collect, [])
    .option('--security-opt <option>', 'seccomp=unconfined', collect, [])
    .option('--privileged', 'no restriction but the namespaces')
    .option('--read-only', 'its root cannot be written');
}

function looking(group: Command, context: VerbContext): void {
  const { terminal, signal } = context;
  word(group, 'ps', 'list containers', 'ps -a')
    .option('-a, --all', 'also those that have ended or wait')
    .option('-q, --quiet', 'ids only')
    .option('--json', 'as JSON, one array')
    .action(async (flags: { all?: boolean; quiet?: boolean; json?: boolean }) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      await life.reapEnded();
      const rows = life.containerRows(flags.all ?? false);
      if (flags.json) terminal.out(JSON.stringify(rows));
      else terminal.out(flags.quiet ? rows.map((row) => row.id).join('\n') : life.containerTable(rows));
    });
  word(group, 'logs <container>', 'print what it printed', 'logs -f web')
    .option('-f, --follow', 'go on until it ends')
    .option('-t, --timestamps', 'with the time of each piece')
    .action(async (name: string, flags: { follow?: boolean; timestamps?: boolean }) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      const io = { stdout: process.stdout, stderr: process.stderr, signal };
      await life.printLogs(life.findRecord(name), flags, io);
    });
  word(group, 'inspect <container>', 'everything known of it, as JSON', 'inspect web').action(
    async (name: string) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      terminal.out(JSON.stringify(life.inspectContainer(life.findRecord(name)), null, 2));
    },
  );
  word(group, 'stats <container>', 'what it uses now, as JSON', 'stats web').action(async (name: string) => {
    const life = await import('../../runtimes/container/lifecycle/index.ts');
    terminal.out(JSON.stringify(life.containerStats(life.findRecord(name))));
  });
}

function controlling(group: Command, context: VerbContext): void {
  const { terminal, signal, exit } = context;
  word(group, 'attach <container>', 'see its output and give it input', 'attach web').action(
    async (name: string) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      const { stdin, stdout, stderr } = process;
      exit(await life.attachForeground(life.findRecord(name), { stdin, stdout, stderr, signal }));
    },
  );
  word(group, 'start <container...>', 'start one that waits', 'start web').action(async (names: string[]) => {
    const life = await import('../../runtimes/container/lifecycle/index.ts');
    for (const name of names) life.startContainer(life.findRecord(name));
  });
  word(group, 'stop <container...>', 'ask it to end, then make it', 'stop -t 3 web')
    .option('-t, --time <seconds>', 'how long to wait before killing', '10')
    .action(async (names: string[], flags: { time: string }) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      for (const name of names) await life.stopContainer(life.findRecord(name), Number(flags.time));
    });
  word(group, 'kill <container...>', 'send it a signal', 'kill -s HUP web')
    .option('-s, --signal <name>', 'which', 'KILL')
    .action(async (names: string[], flags: { signal: string }) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      for (const name of names) life.killContainer(life.findRecord(name), flags.signal);
    });
  for (const [verb, paused] of [
    ['pause', true],
    ['unpause', false],
  ] as const)
    word(group, `${verb} <container...>`, paused ? 'freeze it' : 'let it go on', `${verb} web`).action(
      async (names: string[]) => {
        const life = await import('../../runtimes/container/lifecycle/index.ts');
        for (const name of names) await life.pauseContainer(life.findRecord(name), paused);
      },
    );
  word(group, 'wait <container...>', 'wait for its end and print its exit code', 'wait web').action(
    async (names: string[]) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      for (const name of names)
        terminal.out(String(life.shellCode(await life.waitContainer(life.findRecord(name), signal))));
    },
  );
  word(group, 'rm <container...>', 'remove it with all it wrote', 'rm -f web')
    .option('-f, --force', 'end it first')
    .action(async (names: string[], flags: { force?: boolean }) => {
      const life = await import('../../runtimes/container/lifecycle/index.ts');
      for (const name of names) await life.removeContainer(life.findRecord(name), flags.force ?? false);
    });
}

function word(group: Command, usage: string, description: string, example: string): Command {
  return group
    .command(usage)
    .description(description)
    .addHelpText('after', `\nExample:\n  bench container ${example}`);
}
