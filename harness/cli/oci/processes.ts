import { wholeNumber } from '../parse-option.ts';
import { text, type OciVerb } from './oci-verb.ts';

/** exec and ps. */
export const PROCESSES: readonly OciVerb[] = [
  {
    usage: 'exec <id> [argv...]',
    description: 'run another process in a container',
    example: 'exec web ls -l /',
    passThrough: true,
    options: [
      { flags: '-p, --process <file>', help: 'an OCI process as JSON, instead of words' },
      { flags: '-d, --detach', help: 'do not wait for it' },
      { flags: '-t, --tty', help: 'with a terminal, sent to --console-socket' },
      { flags: '--console-socket <path>', help: "Unix socket that gets the terminal's master" },
      { flags: '--pid-file <file>', help: 'write the pid of the process' },
      { flags: '--cwd <folder>', help: 'working directory inside' },
      { flags: '-e, --env <entry...>', help: 'NAME=value to add' },
      { flags: '-u, --user <ids>', help: 'uid or uid:gid' },
      { flags: '--preserve-fds <n>', help: 'further descriptors to hand in', parse: wholeNumber(0, 1000) },
    ],
    async act({ root, words: [id, ...argv], options, cacheDir, exit }) {
      const { execInContainer } = await import('../../../runtimes/container/oci/exec.ts');
      const played = await execInContainer(root, {
        id,
        cacheDir,
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
      if (!options['detach']) exit(await played.wait());
    },
  },
  {
    usage: 'ps <id> [psOptions...]',
    description: 'list the processes of a container',
    example: 'ps --format json web',
    passThrough: true,
    options: [{ flags: '-f, --format <format>', help: 'table or json', default: 'table' }],
    async act({ root, words: [id, ...psOptions], options, out }) {
      const { Cgroup } = await import('../../../runtimes/cgroup/cgroup.ts');
      const pids = new Cgroup(root.read(id).cgroupPath).pids();
      if (options['format'] === 'json') return out(JSON.stringify(pids));
      const { processTable } = await import('../../../runtimes/container/oci/process-table.ts');
      out(await processTable(pids, psOptions));
    },
  },
];
