import { execa } from 'execa';
import { BenchError } from '../../results/bench-error.ts';
import { TOOL_TIMEOUT_MS } from './defaults.ts';

/** Debian packages of the tools this room calls. */
const PACKAGE_OF: Record<string, string> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  gcc: 'gcc libc6-dev',
};

/**
 * Runs a helper program to its end and gives what it printed on stdout.
 *
 * @throws BenchError `vm-tool-missing`, `vm-disk-full` (the host's file system ran full), `vm-tool-failed` with the
 * tool's own words.
 */
export async function runTool(argv: string[], signal?: AbortSignal): Promise<string> {
  const [command = '', ...args] = argv;
  const result = await execa(command, args, {
    reject: false,
    stdin: 'ignore',
    timeout: TOOL_TIMEOUT_MS,
    cancelSignal: signal,
    env: { LC_ALL: 'C.UTF-8', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  if (!result.failed) return result.stdout;
  const name = PACKAGE_OF[command] ?? command;
  if (result.code === 'ENOENT')
    throw new BenchError('vm-tool-missing', `${command} is not installed`, {
      hint: `apt-get install ${name}`,
    });
  const words = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-8).join('\n');
  if (/No space left on device|Disk quota exceeded/.test(words))
    throw new BenchError('vm-disk-full', `${command} found the host's disk full:\n${words}`, {
      hint: 'free some space (bench clean removes cached images), or make the data disk smaller (diskMiB)',
    });
  throw new BenchError('vm-tool-failed', `${command} failed (${result.shortMessage}):\n${words}`);
}
