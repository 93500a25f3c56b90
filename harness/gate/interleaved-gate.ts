import type { GateRecord } from '../../results/record/gate.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { readRun } from '../../results/store/read-run.ts';
import { hostLimits } from '../host/limits.ts';
import { loadMatrix } from '../matrix/load-matrix.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { RunFolder } from '../../results/store/run-folder.ts';
import { runMatrix, type RunListener, type RunRequest } from '../run/run-matrix.ts';
import { gateOneRun, requireArm, type StoredOptions } from './stored-gate.ts';

export interface InterleavedRequest extends Omit<RunRequest, 'what' | 'rounds' | 'endAfter'> {
  matrixFile: string;
  reference: string;
  candidate: string;
}

/**
 * One job that runs reference, candidate and the reference a second time (the A/A control) interleaved, looks at the
 * planned rounds, and ends early at a look that passes or fails. The trials stay as an ordinary run.
 */
export async function gateInterleaved(
  request: InterleavedRequest,
  options: StoredOptions,
  listener: RunListener,
): Promise<GateRecord> {
  const { reference, candidate, matrixFile, ...rest } = request;
  const { looks } = options.config;
  const loaded = await loadMatrix(matrixFile, request.catalog, hostLimits());
  const matrix = gateMatrix(loaded, { reference, candidate }, options);
  const look = (plan: Plan, trials: readonly TrialRecord[], rounds: number): GateRecord | null => {
    const index = looks.indexOf(rounds);
    if (index < 0) return null;
    const at = { look: index + 1, looks: looks.length };
    return gateOneRun({ plan, trials, path: null }, { reference, candidate }, { ...options, ...at });
  };
  let lookedAt = looks.length;
  let runFolder = '';
  const finished = await runMatrix(
    {
      ...rest,
      what: { matrix },
      required: matrix.arms.map(({ id }) => id),
      endAfter: async (plan, trials, rounds) => {
        const seen = look(plan, trials, rounds);
        if (!seen) return false;
        listener.say(
          `look ${seen.look} of ${seen.looks} after ${rounds} rounds: ${seen.answer}: ${seen.why}`,
        );
        lookedAt = seen.look;
        // On disk before the summary is worked out, which must say why there are no more rounds.
        await (await RunFolder.open(runFolder)).writeGate(seen);
        return seen.answer !== 'inconclusive';
      },
    },
    {
      say: (line) => listener.say(line),
      planned: (plan, folder, recorded) => {
        runFolder = folder;
        listener.planned(plan, folder, recorded);
      },
      trialStarts: (upcoming) => listener.trialStarts(upcoming),
      trialEnded: (record, done) => listener.trialEnded(record, done),
    },
  );
  const run = await readRun(finished.runFolder);
  return gateOneRun(run, { reference, candidate }, { ...options, look: lookedAt, looks: looks.length });
}

/** The matrix of the job: the two arms, those that budgets name, and the control. */
export function gateMatrix(
  matrix: Matrix,
  { reference, candidate }: { reference: string; candidate: string },
  { config }: StoredOptions,
): Matrix {
  const named = new Set([
    reference,
    candidate,
    ...config.budgets.flatMap(({ arm, baseline }) => [arm, baseline]),
  ]);
  for (const arm of named)
    requireArm(
      matrix.arms.map(({ id }) => id),
      arm,
    );
  const original = matrix.arms.find(({ id }) => id === reference);
  const control = `${reference}-control`;
  const rounds = config.looks.at(-1) as number;
  return {
    ...matrix,
    name: `gate-${matrix.name}`,
    title: `Gate: ${candidate} against ${reference} (${matrix.title})`,
    baseline: reference,
    arms: [
      ...matrix.arms.filter(({ id }) => named.has(id)),
      ...(original ? [{ ...original, id: control, label: `${original.label} (A/A control)` }] : []),
    ],
    control,
    trials: { ...matrix.trials, rounds, spare: 0, stopping: undefined },
  };
}
