import { packageVersion } from '../../results/package-root.ts';
import { information } from './oci/information.ts';
import { lifeCycle } from './oci/life-cycle.ts';
import { limits } from './oci/limits.ts';
import { processes } from './oci/processes.ts';
import type { Verb } from './verb.ts';

/** Where containers are remembered when `--root` says nothing: a tmpfs on every Linux of today. */
const DEFAULT_ROOT = '/run/tare-oci';

/**
 * The OCI runtime command line, as Docker (`--add-runtime`) and Podman (`--runtime`) call it: the words, options and error
 * texts are runc's, since those are what its callers know.
 */
export const oci: Verb = (program, context) => {
  const group = program
    .command('oci')
    .description('the container runtime on OCI bundles, as Docker and Podman call it')
    .enablePositionalOptions()
    .option('--root <folder>', 'where containers are remembered', DEFAULT_ROOT)
    .option('--log <file>', 'also write errors to this file')
    .option('--log-format <format>', 'of that file: text or json', 'text')
    .option('--debug', 'accepted for compatibility; there is nothing more to say')
    .option('--systemd-cgroup', "expand 'slice:prefix:name' cgroup paths (always done)")
    .option('--rootless <when>', 'accepted for compatibility')
    .option('--criu <path>', 'accepted for compatibility')
    .version(`tare-oci version ${packageVersion()}\nspec: 1.2.0`, '-v, --version')
    .addHelpText(
      'after',
      `
Examples:
  bench oci spec && bench oci run hello
  dockerd --add-runtime tare=$(pwd)/dist/tare-oci.mjs; docker run --runtime tare debian true
  podman --runtime $(pwd)/dist/tare-oci.mjs run debian true`,
    );
  for (const add of [lifeCycle, processes, limits, information]) add(group, context);
};
