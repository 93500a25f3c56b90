import { collect, life, ownStreams, word, type Words } from './word.ts';

interface ExecFlags {
  env: string[];
  workdir?: string;
  user?: string;
  interactive?: boolean;
  tty?: boolean;
  detach?: boolean;
  privileged?: boolean;
  detachKeys?: string;
}

/** exec, attach, start: programs on our own streams. */
export const programs: Words = (group, context) => {
  const { paths, exit, terminal } = context;
  word(group, 'exec <container> <command...>', 'run a program in a running container', 'exec -it web sh')
    .option('-e, --env <name=value>', 'an environment variable', collect, [])
    .option('-w, --workdir <folder>', 'working directory')
    .option('-u, --user <user[:group]>', 'another user: uid or name, as the container has them')
    .option('-i, --interactive', 'hand on standard input')
    .option('-t, --tty', 'give it a terminal')
    .option('-d, --detach', 'leave it running')
    .option('--privileged', 'no restriction but the namespaces')
    .option('--detach-keys <keys>', 'give the terminal back by these (ctrl-p,ctrl-q)')
    .passThroughOptions()
    .action(async (name: string, argv: string[], flags: ExecFlags) => {
      const lifecycle = await life();
      const record = lifecycle.findRecord(name);
      const request = {
        cacheDir: paths.cacheDir,
        argv,
        env: flags.env,
        cwd: flags.workdir,
        user: flags.user,
        terminal: flags.tty ?? false,
        interactive: flags.interactive ?? false,
        privileged: flags.privileged ?? false,
      };
      const keys = lifecycle.parseDetachKeys(flags.detachKeys ?? lifecycle.DETACH_KEYS);
      if (flags.detach) await lifecycle.execDetached(record, request);
      else exit(await lifecycle.execForeground(record, request, keys, ownStreams(context)));
    });
  word(group, 'attach <container>', 'see its output and give it input', 'attach web')
    .option('--no-stdin', 'give it no input')
    .option('--detach-keys <keys>', 'leave it running by these (ctrl-p,ctrl-q)')
    .action(async (name: string, flags: { stdin: boolean; detachKeys?: string }) => {
      const lifecycle = await life();
      const record = lifecycle.findRecord(name);
      const keys = lifecycle.parseDetachKeys(flags.detachKeys ?? lifecycle.DETACH_KEYS);
      exit(await lifecycle.attachForeground(record, keys, flags.stdin, ownStreams(context)));
    });
  word(group, 'start <container...>', 'start one that waits, or once more one that has ended', 'start web')
    .option('-a, --attach', 'with its output here, until it ends')
    .option('-i, --interactive', 'hand on standard input')
    .action(async (names: string[], flags: { attach?: boolean; interactive?: boolean }) => {
      const lifecycle = await life();
      const keys = lifecycle.parseDetachKeys(lifecycle.DETACH_KEYS);
      for (const name of names) {
        const record = lifecycle.findRecord(name);
        if (flags.attach || flags.interactive) {
          const io = ownStreams(context);
          const input = flags.interactive ?? false;
          exit(await lifecycle.startForeground(record, paths.cacheDir, keys, input, io));
        } else {
          await lifecycle.startContainer(record, paths.cacheDir);
          terminal.out(name);
        }
      }
    });
};
