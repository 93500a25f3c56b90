import { createHash } from 'node:crypto';
import type { Arm, Plan, PlannedWorkload, Resources } from '../../results/record/plan.ts';
import type { Image, Prepared } from '../../runtimes/contract.ts';
import type { Catalog } from '../catalog.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { canonicalJson } from './canonical-json.ts';
import { orderOfRound } from './order.ts';

export interface PlanInputs {
  matrix: Matrix;
  catalog: Catalog;
  runId: string;
  seed: string;
  createdAt: string;
  command: string;
  tareVersion: string;
  cpus: Pick<Resources, 'cpuset' | 'housekeeping'>;
  image: Image | null;
  /** What prepare() said of each arm, where it was asked already. */
  prepared: ReadonlyMap<string, Pick<Prepared, 'caveats' | 'emulated' | 'parts'>>;
  /** `--rounds`, which overrides the matrix. */
  rounds?: number;
}

/** Matrix → plan: the cells, and their order in every round. Pure: the same inputs give the same plan and hash. */
export function buildPlan(inputs: PlanInputs): Plan {
  const { matrix, catalog, seed } = inputs;
  const rounds = inputs.rounds ?? matrix.trials.rounds;
  const arms = matrix.arms.map((arm): Arm => {
    const prepared = inputs.prepared.get(arm.id);
    return {
      ...arm,
      ...{ caveats: prepared?.caveats ?? [], emulated: prepared?.emulated ?? false },
      ...(prepared?.parts && { parts: prepared.parts }),
    };
  });
  const workloads = matrix.workloads.map((workload): PlannedWorkload => {
    const member = catalog.workloads.find((candidate) => candidate.id === workload.workload);
    if (!member) throw new Error(`workload ${workload.workload} left the catalog`);
    const description = member.describe(workload.options);
    return {
      ...workload,
      metrics: description.metrics,
      caveats: description.caveats,
      seconds: description.seconds,
    };
  });
  const cells = workloads.flatMap((workload) =>
    arms.map((arm) => ({ id: `${workload.id}.${arm.id}`, arm: arm.id, workload: workload.id })),
  );
  const ids = cells.map((cell) => cell.id);
  const decided = {
    seed,
    baseline: matrix.baseline,
    resources: { cpus: matrix.resources.cpus, memoryMiB: matrix.resources.memoryMiB, ...inputs.cpus },
    arms,
    workloads,
    cells,
    rounds,
    // `--rounds` fixes the number: no looks.
    ...(matrix.trials.stopping && inputs.rounds === undefined ? { stopping: matrix.trials.stopping } : {}),
    ...(matrix.control === undefined ? {} : { control: matrix.control }),
    order: Array.from({ length: rounds + matrix.trials.spare }, (_, round) => orderOfRound(seed, round, ids)),
    policy: { ...matrix.policy, trialTimeoutS: matrix.trials.timeoutS },
    image: inputs.image && {
      digest: inputs.image.digest,
      suite: inputs.image.suite,
      packages: inputs.image.packages,
    },
  };
  return {
    schema: 'tare.plan/1',
    runId: inputs.runId,
    tareVersion: inputs.tareVersion,
    createdAt: inputs.createdAt,
    name: matrix.name,
    title: matrix.title,
    command: inputs.command,
    hash: createHash('sha256').update(canonicalJson(decided)).digest('hex'),
    ...decided,
  };
}
