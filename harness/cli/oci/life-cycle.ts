import { wholeNumber } from '../parse-option.ts';
import { text, type OciCall, type OciOption, type OciVerb } from './oci-verb.ts';

const CREATING: readonly OciOption[] = [
  { flags: '-b, --bundle <folder>', help: 'the bundle', default: '.' },
  { flags: '--pid-file <file>', help: 'write the pid of the first process' },
  { flags: '--console-socket <path>', help: "Unix socket that gets the terminal's master" },
  {
    flags: '--no-pivot',
    help: 'accepted for compatibility; the root is always changed by pivot_root',
  },
  {
    flags: '--no-new-keyring',
    help: 'accepted for compatibility; a container always gets a keyring of its own',
  },
  { flags: '--preserve-fds <n>', help: 'further descriptors to hand in', parse: wholeNumber(0, 1000) },
];

function createRequest({ words: [id], options, cacheDir }: OciCall) {
  return {
    id,
    bundle: String(options['bundle']),
    cacheDir,
    pidFile: text(options['pidFile']),
    consoleSocket: text(options['consoleSocket']),
    preserveFds: options['preserveFds'] as number | undefined,
  };
}

function pausing(word: string, paused: boolean): OciVerb {
  return {
    usage: `${word} <id>`,
    description: `${word} all processes of a container`,
    example: `${word} web`,
    async act({ root, words: [id] }) {
      const { pauseContainer } = await import('../../../runtimes/container/oci/control.ts');
      await pauseContainer(root, id, paused);
    },
  };
}

/** create, start, run, kill, delete, pause, resume. */
export const LIFE_CYCLE: readonly OciVerb[] = [
  {
    usage: 'create <id>',
    description: 'make a container up to its start gate',
    example: 'create web',
    options: CREATING,
    async act(call) {
      const { createContainer } = await import('../../../runtimes/container/oci/create.ts');
      const { played, warnings } = await createContainer(call.root, createRequest(call));
      call.complain(warnings);
      await played.letGo();
    },
  },
  {
    usage: 'start <id>',
    description: 'run the program of a created container',
    example: 'start web',
    async act({ root, words: [id], complain }) {
      const { startContainer } = await import('../../../runtimes/container/oci/control.ts');
      complain(await startContainer(root, id));
    },
  },
  {
    usage: 'run <id>',
    description: 'create, start, and wait for the end',
    example: 'run hello',
    options: [
      ...CREATING,
      { flags: '-d, --detach', help: 'do not wait; the container lives on by itself' },
      { flags: '--keep', help: 'keep the stopped container until it is deleted' },
    ],
    async act(call) {
      const { root, words, options, complain } = call;
      const { createContainer } = await import('../../../runtimes/container/oci/create.ts');
      const { startContainer, deleteContainer } = await import('../../../runtimes/container/oci/control.ts');
      const { played, warnings } = await createContainer(root, createRequest(call));
      complain(warnings);
      const ended = options['detach'] ? undefined : played.wait();
      if (!ended) await played.letGo();
      complain(await startContainer(root, words[0]));
      if (!ended) return;
      call.exit(await ended);
      if (!options['keep']) complain(await deleteContainer(root, words[0], true));
    },
  },
  {
    usage: 'kill <id> [signal]',
    description: 'send a signal to the first process (TERM)',
    example: 'kill web KILL',
    options: [{ flags: '-a, --all', help: 'to all processes' }],
    async act({ root, words: [id, signal], options }) {
      const { killContainer } = await import('../../../runtimes/container/oci/control.ts');
      killContainer(root, id, signal || 'TERM', Boolean(options['all']));
    },
  },
  {
    usage: 'delete <id>',
    description: 'remove a stopped container',
    example: 'delete --force web',
    options: [{ flags: '-f, --force', help: 'kill it first, and be content when there is none' }],
    async act({ root, words: [id], options, complain }) {
      const { deleteContainer } = await import('../../../runtimes/container/oci/control.ts');
      complain(await deleteContainer(root, id, Boolean(options['force'])));
    },
  },
  pausing('pause', true),
  pausing('resume', false),
];
