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
