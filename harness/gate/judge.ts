import type { GateMetricRecord, GateRecord } from '../../results/record/gate.ts';
import { decideGate, type GateMetricResult } from '../../results/statistics/gate-decision.ts';
import { hodgesLehmann } from '../../results/statistics/hodges-lehmann.ts';
import { change } from '../../results/statistics/verdict-sentence.ts';
import type { GatedMetric } from './gate-metrics.ts';

export interface JudgeContext {
  reference: string;
  candidate: string;
  mode: GateRecord['mode'];
  run: string | null;
  alpha: number;
  look: number;
  looks: number;
  rounds: number;
  warnings: readonly string[];
  /** What the two run on that is not the same, in words. */
  differs: readonly string[];
}

/** Applies STATISTICS 6 to the metrics and says in words what was decided, how sure it is, and what could have been seen. */
export function judge(metrics: readonly GatedMetric[], context: JudgeContext): GateRecord {
  const decision = decideGate(metrics, context);
  const records = decision.metrics.map((result) =>
    record(metrics.find(({ name }) => name === result.name) as GatedMetric, result),
  );
  const { alpha, look, looks, rounds, mode, run, reference, candidate } = context;
  return {
    schema: 'tare.gate/1',
    answer: decision.answer,
    why: sentence(decision.answer, records),
    ...{ reference, candidate, mode, run, alpha, look, looks, rounds },
    roundsToFail: decision.roundsToFail,
    differs: [...context.differs],
    metrics: records,
    warnings: [...context.warnings, ...controlWarnings(records)],
  };
}

function record(metric: GatedMetric, result: GateMetricResult): GateMetricRecord {
  const { kind, name, workload, unit, reference, candidate, differences } = metric;
  const location = differences && hodgesLehmann(differences, [0.95]);
  const [log = null] = location?.intervals ?? [];
  const base = {
    ...{ kind, name, workload, metric: metric.metric, unit, reference, candidate },
    ...{ answer: result.answer, tolerance: result.tolerance, n: result.n },
    change: location ? Math.exp(location.estimate) : null,
    interval: log && { low: Math.exp(log.low), high: Math.exp(log.high), level: log.level },
    ...{ pFail: result.pFail, pFailAdjusted: result.pFailAdjusted, qFail: result.qFail, pPass: result.pPass },
    ...{ detectable: result.detectable, control: controlOf(metric), problem: result.problem },
  };
  return { ...base, why: metricSentence(base) };
}

function controlOf({ control }: GatedMetric): GateMetricRecord['control'] {
  if (!control || control.length === 0) return null;
  const { estimate, intervals } = hodgesLehmann(control, [0.95]);
  const [interval] = intervals;
  return {
    apparent: Math.exp(estimate),
    low: interval ? Math.exp(interval.low) : null,
    high: interval ? Math.exp(interval.high) : null,
  };
}

function metricSentence(metric: Omit<GateMetricRecord, 'why'>): string {
  const { problem, kind, answer, tolerance, n, interval, detectable } = metric;
  if (problem !== null || metric.change === null) return `cannot be judged: ${problem ?? 'no value'}`;
  const span = interval
    ? ` (${change(interval.low)} to ${change(interval.high)}, ${n} rounds)`
    : ` (${n} rounds, too few for an interval)`;
  const seen = `${change(metric.change)}${span}`;
  const limit =
    kind === 'budget' ? `the budget of ${change(1 + tolerance)}` : `the tolerated ${change(1 + tolerance)}`;
  const sight =
    (detectable === null ? '' : `; this job could not have seen less than ${change(1 + detectable)}`) +
    (metric.control ? `; the control seemed to differ by ${change(metric.control.apparent)}` : '');
  switch (answer) {
    case 'fail':
      return `${seen} is beyond ${limit}${sight}`;
    case 'pass':
      return `${seen} is within ${limit}${sight}`;
    case 'inconclusive':
      return `${seen}: neither within nor beyond ${limit} is shown${sight}`;
  }
}

function sentence(answer: GateRecord['answer'], metrics: readonly GateMetricRecord[]): string {
  const failed = metrics.filter((metric) => metric.answer === 'fail');
  const open = metrics.filter((metric) => metric.answer === 'inconclusive');
  const names = (list: readonly GateMetricRecord[]): string => {
    const shown = list.slice(0, 3).map(({ name }) => name);
    return shown.join(', ') + (list.length > 3 ? ` and ${list.length - 3} more` : '');
  };
  switch (answer) {
    case 'pass':
      return `all ${metrics.length} metrics are within what is tolerated`;
    case 'fail':
      return `${failed.length} of ${metrics.length} metrics failed: ${names(failed)}`;
    case 'inconclusive':
      return metrics.length === 0
        ? 'there is nothing to judge'
        : `nothing failed, but ${open.length} of ${metrics.length} metrics are not shown to be within what is tolerated: ${names(open)}`;
  }
}

/** The reference against itself must show nothing; when it does, the job's own noise is not what the tests allow for. */
function controlWarnings(metrics: readonly GateMetricRecord[]): string[] {
  return metrics.flatMap(({ name, control, tolerance }) => {
    const low = control?.low ?? 1;
    const high = control?.high ?? 1;
    return low > 1 + tolerance || high < 1 / (1 + tolerance)
      ? [
          `${name}: the control (the reference against itself) differs by ${change(control?.apparent ?? 1)}: do not trust this job for it`,
        ]
      : [];
  });
}
