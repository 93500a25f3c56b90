import type { GateRecord } from '../../results/record/gate.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import type { Run } from '../../results/store/read-run.ts';
import { BenchError } from '../../results/bench-error.ts';
import { imagesDiffer, partDifferences } from '../../results/summarize/arm-parts.ts';
import { unequalTools } from '../../results/summarize/parity.ts';
import { nearestWord } from '../matrix/problem.ts';
import { differencesOfRuns, refuseIncomparable, underTest } from './comparable.ts';
import type { GateConfig } from './gate-config.ts';
import { budgetMetrics, gateRun, interleavedMetrics, storedMetrics } from './gate-metrics.ts';
import { judge } from './judge.ts';

export interface StoredOptions {
  config: GateConfig;
  evenIfNotComparable: boolean;
}

/** Two finished runs, arm by arm. Refuses other machines and other tools (`gate-not-comparable`) unless told. */
export function gateTwoRuns(reference: Run, candidate: Run, options: StoredOptions): GateRecord {
  const differences = differencesOfRuns(reference, candidate);
  if (!options.evenIfNotComparable) refuseIncomparable(differences);
  const name = (run: Run): string => run.plan.runId;
  const r = gateRun(name(reference), reference);
  const c = gateRun(name(candidate), candidate);
  const metrics = [...storedMetrics(r, c, options.config), ...budgetMetrics(c, options.config)];
  if (metrics.length === 0)
    throw new BenchError('gate-not-comparable', 'not comparable: the two runs have no arm in common');
  return judge(metrics, {
    differs: underTest(reference, candidate),
    ...{ reference: name(reference), candidate: name(candidate), mode: 'stored', run: candidate.path },
    ...{ alpha: options.config.alpha, look: 1, looks: 1, rounds: candidate.plan.rounds },
    warnings: [
      'the two runs were not interleaved: a change of the machine between them cannot be told from a change of the candidate',
      ...differences.map((one) => `not comparable, and judged all the same: ${one}`),
    ],
  });
}

/**
 * Two arms of one run that ran them interleaved. `look` of `looks`: how often the run has been looked at, because every
 * look takes its share of α.
 */
export function gateOneRun(
  run: { plan: Plan; trials: readonly TrialRecord[]; path: string | null },
  arms: { reference: string; candidate: string },
  options: StoredOptions & { look: number; looks: number },
): GateRecord {
  const { plan, trials, path } = run;
  for (const arm of [
    arms.reference,
    arms.candidate,
    ...options.config.budgets.flatMap((b) => [b.arm, b.baseline]),
  ])
    requireArm(
      plan.arms.map(({ id }) => id),
      arm,
    );
  const control = plan.control && arms.reference === plan.baseline ? plan.control : null;
  const view = gateRun(plan.runId, run);
  const metrics = [
    ...interleavedMetrics(view, { ...arms, control }, options.config),
    ...budgetMetrics(view, options.config),
  ];
  const unequal = plan.workloads.flatMap(({ id }) =>
    unequalTools(trials)(id, arms.candidate, arms.reference).map(
      (tool) => `${id}: other builds of ${tool} in the two arms`,
    ),
  );
  const images = imagesDiffer(plan, arms.candidate, arms.reference);
  if (!options.evenIfNotComparable && !images) refuseIncomparable(unequal);
  const rounds = trials.reduce((most, { round }) => Math.max(most, round + 1), 0);
  return judge(metrics, {
    ...{ ...arms, mode: 'interleaved', run: path, alpha: options.config.alpha },
    ...{ look: options.look, looks: options.looks, rounds },
    differs: differencesOfArms(plan, arms),
    warnings: unequal.map((one) =>
      images
        ? `${one}, which came with the images: the change is that of the tool as well`
        : `not comparable, and judged all the same: ${one}`,
    ),
  });
}

/** What the two arms run on that is not the same; in one job that is what is being compared. */
function differencesOfArms(
  plan: Plan,
  { reference, candidate }: { reference: string; candidate: string },
): string[] {
  const [one, other] = [reference, candidate].map((id) => plan.arms.find((arm) => arm.id === id));
  if (!one || !other) return [];
  return partDifferences({ plan, arm: one }, { plan, arm: other }).map(({ text }) => text);
}

export function requireArm(arms: readonly string[], named: string): void {
  if (arms.includes(named)) return;
  const near = nearestWord(named, arms);
  throw new BenchError('usage-gate', `there is no arm "${named}"; the arms are ${arms.join(', ')}`, {
    hint: near ? `did you mean "${near}"?` : 'bench plan shows the arms of a matrix',
  });
}
