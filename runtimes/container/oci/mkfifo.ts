import { execa } from 'execa';
import { BenchError } from '../../../results/bench-error.ts';

const MKFIFO_LIMIT_MS = 5000;

/** Makes a named pipe, only ours to use. Node has no call for it; coreutils' mkfifo does. */
export async function makeFifo(path: string): Promise<void> {
  const result = await execa('mkfifo', ['-m', '600', '--', path], {
    reject: false,
    timeout: MKFIFO_LIMIT_MS,
    stdin: 'ignore',
  });
  if (result.failed)
    throw new BenchError(
      'oci-fifo',
      `the start gate ${path} cannot be made: ${result.stderr || result.shortMessage}`,
    );
}
