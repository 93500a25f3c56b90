import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../results/package-root.ts';
import { cachedFile, digestOf } from '../cached-file.ts';
import { runTool } from '../run-tool.ts';

/** Static, so that it runs in an initramfs that holds nothing else. */
const FLAGS = ['-std=gnu11', '-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror'];

/** The guest's first process (guest/*.c), compiled once per content of its sources. */
export async function ensureGuestProgram(cacheDir: string, signal?: AbortSignal): Promise<string> {
  const folder = join(packageRoot(), 'runtimes', 'qemu', 'guest');
  const names = (await readdir(folder)).filter((name) => /\.[ch]$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const path = join(cacheDir, 'qemu', `guest-${digestOf(FLAGS.join(' '), ...names, ...texts)}`);
  const sources = names.filter((name) => name.endsWith('.c')).map((name) => join(folder, name));
  return cachedFile(path, async (aside) => {
    await runTool(['gcc', ...FLAGS, '-o', aside, ...sources], signal);
  });
}
