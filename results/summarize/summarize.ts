import type { GateRecord } from '../record/gate.ts';
import type { Plan } from '../record/plan.ts';
import type { Comparison, Stop, Summary } from '../record/summary.ts';
import type { Outcome, TrialRecord } from '../record/trial.ts';
import { publishedResults, type PublishedRow } from '../published/published-results.ts';
import { summarizeSeries } from '../statistics/summarize-series.ts';
import { trialSeries } from './observations.ts';
import { parityTable, unequalTools } from './parity.ts';
import { imagesDiffer } from './arm-parts.ts';
import { factorsOf } from './factors.ts';
import { publishedBeside } from './published-beside.ts';
import { noiseFloor, withNoiseFloor } from './noise-floor.ts';
import { stopsByGate, stopsOfRun } from './stops.ts';
import { voidedRounds } from './voided-rounds.ts';
import { summaryWarnings } from './warnings.ts';

/**
 * summary.json from plan.json and trials.jsonl: pure, so the same run always gives the same summary.
 *
 *   const run = await readRun(path);
 *   await (await RunFolder.open(path)).writeSummary(summarize(run));
 *
 * Cells and comparisons are of the plan's workloads and of the pseudo-workload `instance` (see instance-workload.ts).
 * What voids a round and for whom is stated in voided-rounds.ts. Throws `bad-sample` when a sample contradicts the plan.
 */
export function summarize(
  { plan, trials, gate }: { plan: Plan; trials: readonly TrialRecord[]; gate?: GateRecord },
  published: ReadonlyMap<string, PublishedRow> = publishedResults(),
): Summary {
  const voided = voidedRounds(trials);
  const series = trialSeries(plan, trials, voided);
  const { margin, confidence } = plan.policy;
  const { cells, comparisons: compared } = summarizeSeries(series, {
    baseline: plan.baseline,
    margin,
    confidence,
    adaptive: plan.stopping !== undefined,
    voidedRounds: voided.count,
  });
  const floors = plan.control ? noiseFloor(plan.control, compared) : undefined;
  const comparisons = plan.control && floors ? withNoiseFloor(compared, plan.control, floors) : compared;
  const beside = publishedBeside(plan, series, published);
  const unequal = unequalTools(trials);
  const byGate = stopsByGate(plan, trials, gate);
  const stopping = byGate.length > 0 ? byGate : plan.stopping && stopsOfRun(plan, trials);
  const { factors, gaps } = factorsOf(plan, series, comparisons);
  const summary: Omit<Summary, 'warnings'> = {
    schema: 'tare.summary/1',
    runId: plan.runId,
    planHash: plan.hash,
    baseline: plan.baseline,
    margin,
    confidence,
    cells,
    comparisons: comparisons.map((one) =>
      imagesDiffer(plan, one.arm, one.baseline)
        ? one
        : refuseUnequalTools(one, unequal(one.workload, one.arm, one.baseline)),
    ),
    published: beside.rows,
    counts: countOutcomes(plan, trials, stopping),
    voidedRounds: voided.list,
    parity: parityTable(trials),
    ...(stopping && { stopping }),
    ...(factors.length > 0 && { factors, gaps }),
    ...(floors && { noiseFloor: floors }),
  };
  return { ...summary, warnings: [...summaryWarnings(plan, summary), ...beside.warnings] };
}

function refuseUnequalTools(comparison: Comparison, tools: readonly string[]): Comparison {
  if (tools.length === 0) return comparison;
  const problem = `the two arms ran different builds of ${tools.join(', ')}`;
  return {
    ...comparison,
    overhead: null,
    interval: null,
    interval90: null,
    pValue: null,
    method: 'none',
    verdict: 'inconclusive',
    stallCost: null,
    pairedSd: null,
    roundsNeeded: null,
    sight: null,
    positionEffect: null,
    problem,
    why: `no verdict: ${problem}`,
  };
}

const COUNTERS: Record<Outcome['status'], Exclude<keyof Summary['counts'], 'planned' | 'missing'>> = {
  completed: 'completed',
  failed: 'failed',
  'timed-out': 'timedOut',
  invalid: 'invalid',
  aborted: 'aborted',
};

/**
 * `planned` counts the planned rounds only, and of a workload that stopped early those until it stopped; spare rounds
 * (after them in the order, run to replace void ones) count when they were run.
 */
function countOutcomes(
  plan: Plan,
  trials: readonly TrialRecord[],
  stopping: readonly Stop[] | undefined,
): Summary['counts'] {
  const roundsOf = (workload: string): number => {
    const stop = stopping?.find((one) => one.workload === workload && one.stop);
    return stop ? Math.min(stop.rounds, plan.rounds) : plan.rounds;
  };
  const planned = plan.cells.reduce((sum, cell) => sum + roundsOf(cell.workload), 0);
  const counts = { planned, completed: 0, failed: 0, timedOut: 0, invalid: 0, aborted: 0, missing: 0 };
  for (const { outcome } of trials) counts[COUNTERS[outcome.status]]++;
  counts.missing = planned - trials.filter(({ round, workload }) => round < roundsOf(workload)).length;
  return counts;
}
