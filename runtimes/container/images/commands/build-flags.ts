import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { stepRunner } from '../../step-runner.ts';
import { buildImage } from '../build/build-image.ts';
import type { StepRunner } from '../contract.ts';
import type { StoredImage } from '../store/image-store.ts';
import { pullByName, type CommandContext, type RegistryFlags } from './registry-flags.ts';

/** Options of `bench image build`, as they were typed. */
export interface BuildFlags extends RegistryFlags {
  tag: string[];
  file?: string;
  target?: string;
  buildArg: string[];
  label: string[];
  secret: string[];
  cache: boolean;
  network: string;
}

export interface BuildContext extends CommandContext {
  cacheDir: string;
  /** What RUN steps print, as it comes. */
  output(text: string): void;
  env: NodeJS.ProcessEnv;
}

/** `bench image build`. */
export async function buildByFlags(
  context: BuildContext,
  folder: string,
  flags: BuildFlags,
): Promise<StoredImage> {
  const { network } = flags;
  if (network !== 'none' && network !== 'host' && network !== 'bridge')
    throw new BenchError('usage-network', `unknown network '${network}'`, { hint: 'none, host or bridge' });
  return buildImage(
    {
      context: resolve(folder),
      file: flags.file === undefined ? join(resolve(folder), 'Dockerfile') : resolve(flags.file),
      names: flags.tag,
      target: flags.target,
      buildArgs: pairs(flags.buildArg, context.env),
      labels: Object.fromEntries(pairs(flags.label, {})),
      secrets: secretsOf(flags.secret, context.env),
      noCache: !flags.cache,
      network,
      ...timeOfBuild(context.env),
      signal: context.signal,
    },
    {
      store: context.store,
      runner: lazyRunner(context.cacheDir),
      pull: (name) => pullByName(context, name, flags),
      say: (line) => context.say(line),
      output: (chunk) => context.output(Buffer.from(chunk).toString('utf8')),
    },
  );
}

/** Our own runtime; its launcher is compiled (or found) only when a build has a RUN step. */
function lazyRunner(cacheDir: string): StepRunner {
  return { run: async (step) => (await stepRunner({ cacheDir })).run(step) };
}

/** `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`; `id=NAME` alone is the variable of that name. */
export function secretsOf(words: readonly string[], env: NodeJS.ProcessEnv): Map<string, Uint8Array> {
  return new Map(
    words.map((word) => {
      const parts = new Map(
        word.split(',').map((part) => [part.split('=', 1)[0]!, part.slice(part.indexOf('=') + 1)]),
      );
      const id = parts.get('id');
      const file = parts.get('src') ?? parts.get('source');
      const variable = parts.get('env') ?? id;
      if (!id || [...parts.keys()].some((key) => !['id', 'src', 'source', 'env', 'type'].includes(key)))
        throw new BenchError('usage-secret', `'${word}' is no secret`, {
          hint: '--secret id=token,src=token.txt',
        });
      const value = file === undefined ? env[variable!] : undefined;
      if (file !== undefined) return [id, readSecret(id, file)];
      if (value === undefined)
        throw new BenchError(
          'usage-secret',
          `the secret ${id}: there is no environment variable ${variable}`,
          {
            hint: '--secret id=NAME,src=FILE takes it from a file',
          },
        );
      return [id, Buffer.from(value)];
    }),
  );
}

function readSecret(id: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new BenchError('usage-secret', `the secret ${id}: ${(cause as Error).message}`, {
      hint: '--secret id=NAME,src=FILE',
      cause,
    });
  }
}

/** Now, or the moment SOURCE_DATE_EPOCH names (reproducible-builds.org), in seconds. */
export function timeOfBuild(env: NodeJS.ProcessEnv): { now: string; reproducible: boolean } {
  const epoch = env.SOURCE_DATE_EPOCH;
  if (epoch === undefined || epoch === '') return { now: new Date().toISOString(), reproducible: false };
  if (!/^[0-9]{1,11}$/.test(epoch))
    throw new BenchError('usage-source-date-epoch', `SOURCE_DATE_EPOCH: '${epoch}' is no number of seconds`);
  return { now: new Date(Number(epoch) * 1000).toISOString(), reproducible: true };
}

/** `NAME=value`; `NAME` alone takes the value of that environment variable, as with Docker. */
export function pairs(words: readonly string[], env: NodeJS.ProcessEnv): Map<string, string> {
  return new Map(
    words.map((each) => {
      const equals = each.indexOf('=');
      if (equals > 0) return [each.slice(0, equals), each.slice(equals + 1)];
      const value = env[each];
      if (value === undefined)
        throw new BenchError('usage-pair', `'${each}' is not of the form NAME=value`, {
          hint: 'and there is no environment variable of that name',
        });
      return [each, value];
    }),
  );
}
