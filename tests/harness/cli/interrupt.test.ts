import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../results/package-root.ts';
import { suite } from '../../suite.ts';

const test = suite('Ctrl-C');

test('ends a verb that has nothing to tidy up', async () => {
  // Reads its standard input, which never comes.
  const child = execa(
    process.execPath,
    ['--import', 'tsx', packagePath('harness', 'cli', 'main.ts'), 'analyze'],
    { reject: false, stdin: 'pipe' },
  );
  try {
    while (!catches(child.pid!, 2)) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    const ended = await Promise.race([
      child,
      new Promise<null>((resolve) => setTimeout(() => resolve(null), 30_000).unref()),
    ]);
    assert.is(ended?.signal, 'SIGINT');
  } finally {
    child.kill('SIGKILL');
    await child;
  }
});

/** Whether a process has a handler for a signal: until then the kernel would end it, whatever we do. */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

test.run();
