import { BenchError } from '../../../../results/bench-error.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { didYouMean } from '../dockerfile/problem.ts';
import { hostArchitecture } from '../format/config.ts';

/** Arguments every build knows without declaring a default; they do not change the cache (Docker's predefined ARGs). */
export const PROXY_ARGS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
].flatMap((name) => [name, name.toLowerCase()]);

/** Docker's automatic platform ARGs; a stage sees them when it declares them. */
export function platformArgs(): Record<string, string> {
  const arch = hostArchitecture();
  return {
    TARGETPLATFORM: `linux/${arch}`,
    TARGETOS: 'linux',
    TARGETARCH: arch,
    TARGETVARIANT: '',
    BUILDPLATFORM: `linux/${arch}`,
    BUILDOS: 'linux',
    BUILDARCH: arch,
    BUILDVARIANT: '',
  };
}

/** An argument that nothing declares is most often a slip. */
export function refuseUnknownArgs(dockerfile: Dockerfile, given: ReadonlyMap<string, string>): void {
  const steps = [...dockerfile.globals, ...dockerfile.stages.flatMap((stage) => stage.steps)];
  const known = steps.flatMap((step) => (step.name === 'ARG' ? step.args.map(({ name }) => name) : []));
  for (const name of given.keys())
    if (!known.includes(name) && !PROXY_ARGS.includes(name))
      throw new BenchError('bad-dockerfile-arg', `${dockerfile.file} declares no ARG ${name}`, {
        hint: didYouMean(name, known) ?? 'remove --build-arg, or declare it with ARG',
      });
}
