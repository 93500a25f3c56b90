import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { cachedFile, digestOf } from './cached-file.ts';

/** Every C program of ours is compiled under these: strict, optimised, hardened, warnings as errors. */
const COMMON = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Werror',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
];
/** Static: they are executed inside root filesystems that have no libraries of ours. */
const RELEASE = ['-static', '-s'];
/** The sanitisers need their run-time library, so they are not static. */
const SANITIZE = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const COMPILE_TIMEOUT_MS = 120_000;

/** A C program of ours: a folder of sources that make one executable. */
export interface CProgram {
  /** For the file's name and for messages, e.g. 'tare-launch'. */
  name: string;
  folder: string;
  /** Flags beyond the common ones. */
  flags?: string[];
  /** Under address and undefined-behaviour sanitizers, for tests. */
  sanitize?: boolean;
}

/**
 * The compiled program in the cache, named by the digest of its sources and flags; compiled when it is not there.
 * @throws BenchError `compiler-missing`; `compile-failed` with the compiler's words.
 */
export async function compileC(cacheDir: string, program: CProgram, signal?: AbortSignal): Promise<string> {
  const { name, folder, sanitize } = program;
  const flags = [...COMMON, ...(program.flags ?? []), ...(sanitize ? SANITIZE : RELEASE)];
  const files = (await readdir(folder)).filter((file) => /\.(c|h|def)$/.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file))));
  const path = join(cacheDir, 'programs', `${name}-${digestOf(flags.join(' '), ...files, ...texts)}`);
  const sources = files.filter((file) => file.endsWith('.c')).map((file) => join(folder, file));
  return cachedFile(path, (aside) => compile(name, [...flags, '-o', aside, ...sources], signal));
}

async function compile(name: string, argv: string[], signal: AbortSignal | undefined): Promise<void> {
  // Loaded when something is compiled: a program that is in the cache is found without it.
  const { execa } = await import('execa');
  const result = await execa('cc', argv, {
    reject: false,
    timeout: COMPILE_TIMEOUT_MS,
    stdin: 'ignore',
    cancelSignal: signal,
  });
  if (result.exitCode === 0) return;
  const hint = 'apt-get install -y --no-install-recommends gcc libc6-dev linux-libc-dev';
  if (result.code === 'ENOENT') {
    throw new BenchError('compiler-missing', `there is no C compiler (cc) to build ${name} with`, { hint });
  }
  throw new BenchError('compile-failed', `${name} does not compile: ${result.stderr}`, {
    hint,
    cause: result,
  });
}
