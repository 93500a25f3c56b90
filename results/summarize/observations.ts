import { BenchError } from '../bench-error.ts';
import type { Plan } from '../record/plan.ts';
import type { TrialRecord } from '../record/trial.ts';
import { SeriesTable, type Series } from '../statistics/series.ts';
import { instanceObservations } from './instance-workload.ts';
import type { VoidedRounds } from './voided-rounds.ts';
import { workCost } from './work-cost.ts';

/**
 * Completed trials of valid rounds as series. Unit and direction come from the plan; a sample whose metric the plan does
 * not have, or whose unit is another, is refused (`bad-sample`): it would be compared with something else.
 */
export function trialSeries(
  plan: Plan,
  trials: readonly TrialRecord[],
  voided: Pick<VoidedRounds, 'isVoid'>,
): Series[] {
  const metrics = new Map(
    plan.workloads.flatMap((workload) =>
      workload.metrics.map((metric) => [`${workload.id}\0${metric.name}`, metric] as const),
    ),
  );
  const workCosts = new Map(plan.workloads.map((workload) => [workload.id, workCost(workload)]));
  const places = placesInRound(plan);
  const table = new SeriesTable();
  const take = (observation: Parameters<SeriesTable['add']>[0], trial: string): void => {
    const problem = table.add(observation);
    if (problem) throw new BenchError('bad-sample', `trial ${trial}: ${problem}`);
  };
  const valid = trials.filter(
    ({ outcome, workload, round }) => outcome.status === 'completed' && !voided.isVoid(workload, round),
  );
  for (const record of valid) {
    const { trial, round, arm, workload, cell, outcome } = record;
    if (outcome.status !== 'completed') continue;
    const position = places.get(`${round}\0${cell}`);
    for (const { metric, unit, value } of outcome.samples) {
      const planned = metrics.get(`${workload}\0${metric}`);
      if (!planned)
        throw new BenchError(
          'bad-sample',
          `trial ${trial}: the plan has no metric '${metric}' for ${workload}`,
        );
      if (planned.unit !== unit)
        throw new BenchError(
          'bad-sample',
          `trial ${trial}: ${metric} in '${unit}', planned in '${planned.unit}'`,
        );
      take({ round, arm, workload, metric, value, unit, better: planned.better, position }, trial);
    }
    const cost = workCosts.get(workload);
    const value = cost?.read(record);
    if (!cost || value === null || value === undefined) continue;
    const { name: metric, unit, better } = cost.metric;
    take({ round, arm, workload, metric, value, unit, better, position }, trial);
  }
  for (const observation of instanceObservations(valid)) take(observation, `r${observation.round}`);
  return table.finish();
}

/** Place of each cell among the cells of its workload in a round, from the plan's order. */
function placesInRound(plan: Plan): Map<string, number> {
  const workloadOf = new Map(plan.cells.map((cell) => [cell.id, cell.workload]));
  const places = new Map<string, number>();
  plan.order.forEach((cells, round) => {
    const seen = new Map<string, number>();
    for (const cell of cells) {
      const workload = workloadOf.get(cell) ?? '';
      const place = seen.get(workload) ?? 0;
      seen.set(workload, place + 1);
      places.set(`${round}\0${cell}`, place);
    }
  });
  return places;
}
