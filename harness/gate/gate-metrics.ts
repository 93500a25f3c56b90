import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import type { GateMetric } from '../../results/statistics/gate-decision.ts';
import { logRatios, pair, type Pairs } from '../../results/statistics/paired.ts';
import type { Series } from '../../results/statistics/series.ts';
import { INSTANCE_WORKLOAD } from '../../results/summarize/instance-workload.ts';
import { trialSeries } from '../../results/summarize/observations.ts';
import { voidedRounds } from '../../results/summarize/voided-rounds.ts';
import { summarizedWorkloads } from '../../results/summarize/work-cost.ts';
import type { GateConfig } from './gate-config.ts';

/** A metric to be judged, with what a reader needs to know about it. */
export interface GatedMetric extends GateMetric {
  kind: 'metric' | 'budget';
  workload: string;
  metric: string;
  unit: string;
  reference: string;
  candidate: string;
  /** The reference's second arm against the reference, where the job had one. */
  control: Float64Array | null;
}

/** A run as the gate sees it: valid trials as series. */
export interface GateRun {
  name: string;
  plan: Plan;
  series: Series[];
}

export function gateRun(
  name: string,
  { plan, trials }: { plan: Plan; trials: readonly TrialRecord[] },
): GateRun {
  return { name, plan, series: trialSeries(plan, trials, voidedRounds(trials)) };
}

/** Metrics of a job that ran both arms interleaved: paired by round. */
export function interleavedMetrics(
  run: GateRun,
  arms: { reference: string; candidate: string; control: string | null },
  config: GateConfig,
): GatedMetric[] {
  return wanted(run.plan, config).map(({ workload, metric, unit, tolerance, known }) => {
    const find = (arm: string | null): Series | undefined => findSeries(run, workload, metric, arm);
    const control = joined(find(arms.control), find(arms.reference), pair);
    return {
      ...({ kind: 'metric', name: `${workload}.${metric}`, workload, metric, unit, tolerance } as const),
      ...{ reference: arms.reference, candidate: arms.candidate },
      ...(known
        ? joined(find(arms.candidate), find(arms.reference), pair, [arms.candidate, arms.reference])
        : absent('the run has no such metric')),
      control: control.differences,
    };
  });
}

/**
 * Metrics of two stored runs, for every arm that both have: paired in order of their valid rounds. Nothing was
 * interleaved, so a change of the machine between the runs looks like a change of the candidate; the gate says so.
 */
export function storedMetrics(reference: GateRun, candidate: GateRun, config: GateConfig): GatedMetric[] {
  const arms = candidate.plan.arms
    .map(({ id }) => id)
    .filter((id) => reference.plan.arms.some((arm) => arm.id === id));
  return arms.flatMap((arm) =>
    wanted(candidate.plan, config).map(({ workload, metric, unit, tolerance, known }) => ({
      ...({
        kind: 'metric',
        name: `${workload}.${metric} (${arm})`,
        workload,
        metric,
        unit,
        tolerance,
      } as const),
      ...{ reference: `${reference.name} ${arm}`, candidate: `${candidate.name} ${arm}` },
      ...(known
        ? joined(
            findSeries(candidate, workload, metric, arm),
            findSeries(reference, workload, metric, arm),
            pairInOrder,
            [`${candidate.name} ${arm}`, `${reference.name} ${arm}`],
          )
        : absent('the run has no such metric')),
      control: null,
    })),
  );
}

/** Absolute budgets: the overhead of one arm over another in one run, by the same tests. */
export function budgetMetrics(run: GateRun, config: GateConfig): GatedMetric[] {
  return config.budgets.map(({ metric: name, arm, baseline, atMost }) => {
    const { workload, metric } = splitName(name);
    const ours = findSeries(run, workload, metric, arm);
    return {
      ...({ kind: 'budget', name: `${name} (${arm} ≤ ×${atMost} ${baseline})`, workload, metric } as const),
      ...{ unit: ours?.unit ?? '', tolerance: atMost - 1, reference: baseline, candidate: arm },
      ...joined(ours, findSeries(run, workload, metric, baseline), pair, [arm, baseline]),
      control: null,
    };
  });
}

/** "<workload>.<metric>"; workloads may have dots in their ids, metrics have none. */
function splitName(name: string): { workload: string; metric: string } {
  const dot = name.lastIndexOf('.');
  return { workload: name.slice(0, dot), metric: name.slice(dot + 1) };
}

interface Wanted {
  workload: string;
  metric: string;
  unit: string;
  tolerance: number;
  /** False for a metric that only the configuration knows. */
  known: boolean;
}

/** The primary metrics of every workload, less the ignored ones, and what the configuration names besides. */
function wanted(plan: Plan, config: GateConfig): Wanted[] {
  const has = summarizedWorkloads(plan.workloads).flatMap((workload) =>
    workload.metrics.map(({ name, unit, primary }) => ({
      ...{ workload: workload.id, metric: name, unit },
      primary: primary && workload.id !== INSTANCE_WORKLOAD,
    })),
  );
  const list: Wanted[] = [];
  for (const { workload, metric, unit, primary } of has) {
    const rule = config.metrics[`${workload}.${metric}`];
    if (rule ? rule.ignore : !primary) continue;
    list.push({ workload, metric, unit, tolerance: rule?.tolerance ?? config.tolerance, known: true });
  }
  for (const [name, rule] of Object.entries(config.metrics)) {
    const { workload, metric } = splitName(name);
    if (
      rule.ignore ||
      !rule.required ||
      has.some((one) => one.workload === workload && one.metric === metric)
    )
      continue;
    list.push({ workload, metric, unit: '', tolerance: rule.tolerance ?? config.tolerance, known: false });
  }
  return list;
}

function findSeries(run: GateRun, workload: string, metric: string, arm: string | null): Series | undefined {
  return run.series.find((one) => one.workload === workload && one.metric === metric && one.arm === arm);
}

/** Paired log-ratios above 0 = worse, or why there are none. */
function joined(
  candidate: Series | undefined,
  reference: Series | undefined,
  join: (a: Series, b: Series) => Pairs,
  names: [candidate: string, reference: string] = ['candidate', 'reference'],
): { differences: Float64Array | null; problem: string | null } {
  if (!candidate) return absent(`${names[0]} has no valid value`);
  if (!reference) return absent(`${names[1]} has no valid value`);
  if (candidate.unit !== reference.unit)
    return absent(`two units: '${candidate.unit}' and '${reference.unit}'`);
  const pairs = join(candidate, reference);
  if (pairs.rounds.length === 0) return absent('no round in which both have a value');
  const ratios = logRatios(pairs, candidate.better);
  if ('differences' in ratios) return { differences: ratios.differences, problem: null };
  const side = ratios.side === 'arm' ? names[0] : names[1];
  return absent(`${side} is ${ratios.value} in round ${ratios.round}: a ratio needs values above 0`);
}

function absent(problem: string): { differences: null; problem: string } {
  return { differences: null, problem };
}

/** The i-th valid round of one with the i-th of the other. */
function pairInOrder(a: Series, b: Series): Pairs {
  const n = Math.min(a.values.length, b.values.length);
  return {
    rounds: a.rounds.slice(0, n),
    arm: a.values.slice(0, n),
    baseline: b.values.slice(0, n),
    positions: null,
  };
}
