import type { Command } from 'commander';
import { packageVersion } from '../../results/package-root.ts';
import { NEWEST_OCI_VERSION } from '../../runtimes/container/spec/oci-version.ts';
import { CHECKPOINTS } from './oci/checkpoints.ts';
import { GLOBAL_OPTIONS } from './oci/global-options.ts';
import { INFORMATION } from './oci/information.ts';
import { LIFE_CYCLE } from './oci/life-cycle.ts';
import { LIMITS } from './oci/limits.ts';
import type { OciOption, OciVerb } from './oci/oci-verb.ts';
import { perform } from './oci/perform.ts';
import { PROCESSES } from './oci/processes.ts';
import { STATE } from './oci/state-verb.ts';
import type { Verb, VerbContext } from './verb.ts';

/** Every verb of the OCI command line. */
export const OCI_VERBS: readonly OciVerb[] = [
  ...LIFE_CYCLE,
  STATE,
  ...PROCESSES,
  ...LIMITS,
  ...CHECKPOINTS,
  ...INFORMATION,
];

/**
 * The OCI runtime command line, as Docker (`--add-runtime`) and Podman (`--runtime`) call it: the words, options and error
 * texts are runc's, since those are what its callers know.
 */
export const oci: Verb = (program, context) => {
  const group = program
    .command('oci')
    .description('the container runtime on OCI bundles, as Docker and Podman call it')
    .enablePositionalOptions()
    .version(`tare-oci version ${packageVersion()}\nspec: ${NEWEST_OCI_VERSION}`, '-v, --version')
    .addHelpText(
      'after',
      `
Examples:
  bench oci spec && bench oci run hello
  dockerd --add-runtime tare=$(pwd)/dist/tare-oci.cjs; docker run --runtime tare debian true
  podman --runtime $(pwd)/dist/tare-oci.cjs run debian true`,
    );
  for (const option of GLOBAL_OPTIONS) add(group, option);
  for (const verb of OCI_VERBS) addVerb(group, verb, context);
};

function addVerb(group: Command, verb: OciVerb, context: VerbContext): void {
  const command = group
    .command(verb.usage)
    .description(verb.description)
    .addHelpText('after', `\nExample:\n  bench oci ${verb.example}`)
    .passThroughOptions(verb.passThrough ?? false);
  for (const option of verb.options ?? []) add(command, option);
  command.action(() =>
    perform(
      verb,
      command.optsWithGlobals(),
      { words: command.args as [string, ...string[]], options: command.opts() },
      {
        cacheDir: context.paths.cacheDir,
        signal: context.signal,
        exit: (code) => context.exit(code),
        out: (text) => context.terminal.out(text),
        err: (text) => context.terminal.err(text),
      },
    ),
  );
}

function add(command: Command, { flags, help, parse, ...option }: OciOption): void {
  if (parse) command.option(flags, help, parse, option.default);
  else command.option(flags, help, option.default);
}
