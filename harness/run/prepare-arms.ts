import { BenchError } from '../../results/bench-error.ts';
import type { Image, Prepared, RuntimeContext } from '../../runtimes/contract.ts';
import type { Catalog } from '../catalog.ts';

/** Anything that names a runtime and its options: an arm of a matrix or of a plan. */
export interface ArmToPrepare {
  id: string;
  runtime: string;
  options: Record<string, unknown>;
}

/**
 * Probes and prepares every arm, one after the other. An arm that can't be prepared is no reason to measure nothing: its
 * error stands in the map, and each of its trials fails with it.
 */
export async function prepareArms(
  arms: readonly ArmToPrepare[],
  catalog: Catalog,
  image: Image | Error | null,
  context: RuntimeContext,
): Promise<Map<string, Prepared | Error>> {
  const prepared = new Map<string, Prepared | Error>();
  for (const arm of arms) {
    if (context.signal.aborted) break;
    prepared.set(arm.id, await prepareArm(arm, catalog, image, context).catch(asError));
  }
  return prepared;
}

/**
 * Throws when not one of the arms can be used on this host: a run that can only fail is not begun.
 * @throws BenchError `runtimes-unavailable` with each reason and remedy.
 */
export async function refuseIfNothingRuns(arms: readonly ArmToPrepare[], catalog: Catalog): Promise<void> {
  const reasons: string[] = [];
  const remedies = new Set<string>();
  for (const arm of arms) {
    const availability = await catalog.runtimes
      .find((candidate) => candidate.id === arm.runtime)
      ?.probe(arm.options);
    if (availability?.available) return;
    reasons.push(`${arm.id}: ${availability?.reason ?? `there is no runtime "${arm.runtime}"`}`);
    if (availability) remedies.add(availability.remedy);
  }
  throw new BenchError(
    'runtimes-unavailable',
    `no box of this matrix can be used here\n  ${reasons.join('\n  ')}`,
    {
      hint: `${[...remedies].join('; ')}; bench doctor tells more`,
    },
  );
}

async function prepareArm(
  arm: ArmToPrepare,
  catalog: Catalog,
  image: Image | Error | null,
  context: RuntimeContext,
): Promise<Prepared> {
  const runtime = catalog.runtimes.find((candidate) => candidate.id === arm.runtime);
  if (!runtime) {
    throw new BenchError('runtime-unknown', `this version of Tare has no runtime "${arm.runtime}"`, {
      hint: 'bench list shows the runtimes there are',
    });
  }
  const availability = await runtime.probe(arm.options);
  if (!availability.available) {
    throw new BenchError('runtime-unavailable', `${arm.id}: ${availability.reason}`, {
      hint: availability.remedy,
    });
  }
  for (const note of availability.notes) context.log(`${arm.id}: ${note}`);
  if (runtime.needsImage && image instanceof Error) throw image;
  return runtime.prepare(image instanceof Error ? null : image, arm.options, context);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
