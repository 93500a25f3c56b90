import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { packagePath } from '../../../../results/package-root.ts';

const FLAGS = [
  '-std=c11',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wconversion',
  '-Werror',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
];
const RELEASE = ['-static', '-s'];
const SANITIZE = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const COMPILE_TIMEOUT_MS = 120_000;

/**
 * The compiled `tare-layer` in the cache, named by the digest of its sources and flags; compiled when it is not there. Built
 * aside and renamed into place, so an interrupted build is never executed.
 *
 * @throws BenchError `compiler-missing`, `image-tool-build-failed` (with the compiler's words).
 */
export async function ensureLayerTool(
  cacheDir: string,
  options: { sanitize?: boolean } = {},
): Promise<string> {
  const folder = packagePath('runtimes', 'container', 'images', 'native');
  const flags = [...FLAGS, ...(options.sanitize ? SANITIZE : RELEASE)];
  const names = (await readdir(folder)).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)));
  const target = join(cacheDir, 'launcher', `tare-layer-${hash.digest('hex').slice(0, 24)}`);
  if (await access(target).then(always, never)) return target;
  await mkdir(join(cacheDir, 'launcher'), { recursive: true });
  const aside = `${target}.${process.pid}`;
  try {
    const sources = names.filter((name) => name.endsWith('.c')).map((name) => join(folder, name));
    await compile([...flags, '-o', aside, ...sources]);
    await rename(aside, target);
  } finally {
    await rm(aside, { force: true });
  }
  return target;
}

const always = (): boolean => true;
const never = (): boolean => false;

async function compile(argv: string[]): Promise<void> {
  const result = await execa('cc', argv, { reject: false, timeout: COMPILE_TIMEOUT_MS, stdin: 'ignore' });
  if (result.exitCode === 0) return;
  const hint = 'apt-get install -y --no-install-recommends gcc libc6-dev linux-libc-dev';
  if (result.code === 'ENOENT')
    throw new BenchError('compiler-missing', 'there is no C compiler (cc) to build the layer tool with', {
      hint,
    });
  throw new BenchError('image-tool-build-failed', `the layer tool does not compile: ${result.stderr}`, {
    hint,
    cause: result,
  });
}
