import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { text, type OciCall, type OciOption, type OciVerb } from './oci-verb.ts';

const COMMON: readonly OciOption[] = [
  { flags: '--image-path <folder>', help: 'of the checkpoint', default: 'checkpoint' },
  { flags: '--work-path <folder>', help: "for criu's logs (default: in the checkpoint's)" },
  { flags: '--tcp-established', help: 'with open TCP connections' },
  { flags: '--ext-unix-sk', help: 'with Unix sockets whose other end is outside' },
  { flags: '--file-locks', help: 'with file locks' },
];

function choices({ options, cacheDir, criu }: OciCall) {
  const imagePath = String(options['imagePath']);
  return {
    imagePath,
    workPath: text(options['workPath']) ?? join(imagePath, 'work'),
    tcpEstablished: Boolean(options['tcpEstablished']),
    extUnixSk: Boolean(options['extUnixSk']),
    fileLocks: Boolean(options['fileLocks']),
    leaveRunning: Boolean(options['leaveRunning']),
    cacheDir,
    criu,
  };
}

/** checkpoint and restore, through criu. */
export const CHECKPOINTS: readonly OciVerb[] = [
  {
    usage: 'checkpoint <id>',
    description: 'save a running container with criu',
    example: 'checkpoint --image-path /var/tmp/web web',
    options: [...COMMON, { flags: '--leave-running', help: 'let it go on afterwards' }],
    async act(call) {
      const { checkpointContainer } =
        await import('../../../runtimes/container/oci/checkpoint/checkpoint.ts');
      await checkpointContainer(call.root, call.words[0], choices(call));
    },
  },
  {
    usage: 'restore <id>',
    description: 'bring a container back from a checkpoint',
    example: 'restore --detach --image-path /var/tmp/web web',
    options: [
      ...COMMON,
      { flags: '-b, --bundle <folder>', help: 'the bundle', default: '.' },
      { flags: '--pid-file <file>', help: 'write the pid of the first process' },
      { flags: '-d, --detach', help: 'do not wait; the container lives on by itself (needed)' },
    ],
    async act(call) {
      const { options, words, root, complain } = call;
      if (!options['detach'])
        throw new BenchError(
          'restore-detach',
          'a restored container is nobody’s child: it cannot be waited for',
          {
            hint: 'add --detach, and ask for its state',
          },
        );
      const { restoreContainer } = await import('../../../runtimes/container/oci/checkpoint/restore.ts');
      complain(
        await restoreContainer(root, {
          ...choices(call),
          id: words[0],
          bundle: String(options['bundle']),
          pidFile: text(options['pidFile']),
        }),
      );
    },
  },
];
