import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { packagePath } from '../../results/package-root.ts';

/** Strict, optimised, static: it is executed inside root filesystems that have no libraries of ours. */
const FLAGS = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wpedantic',
  '-Werror',
  '-O2',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
  '-static',
  '-Wl,-z,norelro',
  '-s',
];
/** The sanitisers need their run-time library, so they are not static. */
const SANITIZE_FLAGS = [
  ...FLAGS.filter((flag) => flag !== '-static' && flag !== '-s' && !flag.startsWith('-Wl')),
  '-g',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
];
const COMPILE_TIMEOUT_MS = 120_000;

/**
 * The compiled launcher in the cache, named by the digest of its sources and flags; compiled when it is not there. Built
 * aside and renamed into place, so that an interrupted build is never executed and two builders do not meet.
 *
 * @throws BenchError `compiler-missing`, `launcher-build-failed` (with the compiler's words).
 */
export async function ensureLauncher(
  cacheDir: string,
  options: { sanitize?: boolean } = {},
): Promise<string> {
  const folder = packagePath('runtimes', 'launch', 'c');
  const flags = options.sanitize ? SANITIZE_FLAGS : FLAGS;
  const names = (await readdir(folder)).filter((name) => /\.(c|h|def)$/.test(name)).sort();
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)));
  const target = join(cacheDir, 'launcher', `tare-launch-${hash.digest('hex').slice(0, 24)}`);
  if (await exists(target)) return target;
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

async function compile(argv: string[]): Promise<void> {
  const result = await execa('cc', argv, { reject: false, timeout: COMPILE_TIMEOUT_MS, stdin: 'ignore' });
  if (result.exitCode === 0) return;
  if (result.exitCode === undefined && result.code === 'ENOENT')
    throw new BenchError('compiler-missing', 'there is no C compiler (cc) to build the launcher with', {
      hint: 'apt-get install -y --no-install-recommends gcc libc6-dev',
    });
  throw new BenchError('launcher-build-failed', `the launcher does not compile: ${result.stderr}`, {
    hint: 'apt-get install -y --no-install-recommends gcc libc6-dev linux-libc-dev',
    cause: result,
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
