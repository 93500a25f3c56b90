import { didYouMean, dockerfileError } from '../dockerfile/problem.ts';
import type { Dockerfile, Instruction, Stage } from '../dockerfile/instruction.ts';
import { BenchError } from '../../../../results/bench-error.ts';

/** The stage a name or number means, among those before `limit`. */
export function stageIndex(dockerfile: Dockerfile, named: string, limit: number): number | undefined {
  const before = dockerfile.stages.slice(0, limit);
  const byName = before.findIndex((stage) => stage.name === named.toLowerCase());
  if (byName >= 0) return byName;
  return /^[0-9]{1,4}$/.test(named) && Number(named) < before.length ? Number(named) : undefined;
}

/** The stage to be built: the last, or the one `--target` names. */
export function targetStage(dockerfile: Dockerfile, target: string | undefined): number {
  if (target === undefined) return dockerfile.stages.length - 1;
  const index = stageIndex(dockerfile, target, dockerfile.stages.length);
  if (index !== undefined) return index;
  const names = dockerfile.stages.flatMap(({ name }) => name ?? []);
  throw new BenchError('bad-dockerfile-target', `${dockerfile.file} has no stage '${target}'`, {
    hint:
      didYouMean(target, names) ??
      (names.length > 0 ? `it has ${names.join(', ')}` : 'its stages have no names'),
  });
}

/** Stages that the target needs, in order; the others are not built. */
export function neededStages(dockerfile: Dockerfile, target: number): number[] {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    const stage = dockerfile.stages[index];
    if (stage) for (const other of dependencies(dockerfile, stage, index)) visit(other);
  };
  visit(target);
  return [...needed].sort((a, b) => a - b);
}

function dependencies(dockerfile: Dockerfile, stage: Stage, index: number): number[] {
  const found: number[] = [];
  const base = stageIndex(dockerfile, stage.from.image, index);
  // A number after FROM is an image's name, never a stage.
  if (base !== undefined && dockerfile.stages[base]?.name !== undefined && !/^[0-9]+$/.test(stage.from.image))
    found.push(base);
  for (const step of stage.steps) {
    const place = { file: dockerfile.file, line: step.line };
    for (const name of namesIn(step)) {
      if (name.toLowerCase() === stage.name) throw dockerfileError(place, 'a stage cannot copy from itself');
      const from = stageIndex(dockerfile, name, index);
      if (from !== undefined) found.push(from);
      else if (stageIndex(dockerfile, name, dockerfile.stages.length) !== undefined)
        throw dockerfileError(
          place,
          `the stage '${name}' comes only later`,
          'stages can copy from earlier ones',
        );
    }
  }
  return found;
}

/** What a step takes from other stages or images, as written. */
function namesIn(step: Instruction): string[] {
  if (step.name === 'COPY') return step.from === undefined ? [] : [step.from];
  if (step.name !== 'RUN') return [];
  return step.mounts.flatMap((mount) =>
    mount.type === 'bind' && mount.from !== undefined ? [mount.from] : [],
  );
}
