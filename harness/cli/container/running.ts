import type { Command } from 'commander';
import type { RunFlags } from '../../../runtimes/container/lifecycle/run-request.ts';
import { collect, life, ownStreams, word, type Words } from './word.ts';

const VERBS = {
  run: 'make a container and run a program in it',
  create: 'make a container that waits to be started',
  plan: 'print the launch plan of a container without making it',
};

/** run, create, plan: all that makes a container. */
export const running: Words = (group, context) => {
  const { terminal, paths, signal, exit } = context;
  for (const verb of ['run', 'create', 'plan'] as const) {
    const command = word(group, `${verb} <image> [command...]`, VERBS[verb], `${verb} tare/guest uname -a`);
    limitFlags(runFlags(command))
      .passThroughOptions()
      .action(
        async (
          image: string,
          words: string[],
          flags: RunFlags & { detach?: boolean; detachKeys?: string },
        ) => {
          const lifecycle = await life();
          await lifecycle.reapEnded();
          const source = await lifecycle.openSource(image, paths.cacheDir, signal);
          const request = lifecycle.runRequest(flags, source, words, paths.cacheDir);
          const keys = lifecycle.parseDetachKeys(flags.detachKeys ?? lifecycle.DETACH_KEYS);
          if (verb === 'plan') terminal.out(lifecycle.printablePlan(request));
          else if (verb === 'create') terminal.out((await lifecycle.createContainer(request)).id);
          else if (flags.detach) terminal.out(await lifecycle.runDetached(request));
          else exit(await lifecycle.runForeground(request, keys, ownStreams({ signal })));
        },
      );
  }
};

function runFlags(command: Command): Command {
  return command
    .option('-d, --detach', 'go on in the background; prints the id')
    .option('-i, --interactive', 'hand on standard input')
    .option('-t, --tty', 'give it a terminal')
    .option('--detach-keys <keys>', 'leave it running by these (ctrl-p,ctrl-q)')
    .option('--rm', 'remove it when it has ended, with its unnamed volumes')
    .option('--name <name>', 'a name of your own')
    .option('--hostname <name>', 'its host name')
    .option('-l, --label <name=value>', 'a label, for ps --filter', collect, [])
    .option('-e, --env <name=value>', 'an environment variable', collect, [])
    .option('--env-file <file>', 'environment variables, one a line', collect, [])
    .option('-v, --volume <source:inside[:ro]>', 'a folder of the host, or a volume by name', collect, [])
    .option('--mount <options>', 'type=bind|volume|tmpfs,source=…,target=…[,readonly]', collect, [])
    .option('--volumes-from <container[:ro]>', "another container's volumes, at the same places", collect, [])
    .option('--tmpfs <folder[:options]>', 'an empty folder in memory', collect, [])
    .option('-p, --publish <[address:][host:]inside[/udp]>', 'ports of the host', collect, [])
    .option('-P, --publish-all', 'every port that the image exposes, each on a free one')
    .option('--network <network>', 'none, host, container:NAME, or a network by name (bridge)')
    .option('--network-alias <name>', 'another name on its network', collect, [])
    .option('--add-host <name:address>', 'a line of /etc/hosts', collect, [])
    .option('--dns <address>', "a name server in place of the host's", collect, [])
    .option('--nat', 'reach the outside under the address of the host')
    .option('-u, --user <user[:group]>', 'who runs it: uid, name, either with a group')
    .option('-w, --workdir <folder>', 'working directory')
    .option('--entrypoint <program>', "in place of the image's own")
    .option('--stop-signal <name>', 'what stop sends first (SIGTERM)')
    .option('--cap-add <name>', 'grant a capability', collect, [])
    .option('--cap-drop <name>', 'take a capability away; ALL for every one', collect, [])
    .option('--security-opt <option>', 'seccomp=unconfined', collect, [])
    .option('--privileged', 'no restriction but the namespaces')
    .option('--read-only', 'its root cannot be written');
}

/** Also those of update. */
export function limitFlags(command: Command): Command {
  return command
    .option('-m, --memory <size>', 'memory limit, e.g. 512m')
    .option('--cpus <number>', 'CPU time per time, e.g. 1.5')
    .option('--cpuset-cpus <list>', 'CPUs it may use, e.g. 0-1')
    .option('-c, --cpu-shares <number>', 'relative CPU weight')
    .option('--pids-limit <number>', 'most processes at once');
}
