import type { Metric } from '../../results/record/metric.ts';
import type { Plan } from '../../results/record/plan.ts';
import { INSTANCE_WORKLOAD } from '../../results/summarize/instance-workload.ts';
import { summarizedWorkloads } from '../../results/summarize/work-cost.ts';
import type { CellSummary, Comparison, Summary } from '../../results/record/summary.ts';
import { costWords } from '../words/cost.ts';
import { namesOf, printable } from '../words/names.ts';
import { quantity } from '../words/number.ts';
import { sightWords, type SightWords } from '../words/sight.ts';
import { verdictWords } from '../words/verdict.ts';

/** One comparison, in words. */
export interface AnswerCell {
  arm: string;
  /** Without the word 'emulated': print it beside the number where `emulated` is set. */
  armName: string;
  emulated: boolean;
  /** '+5.1 %', '13.2×', or '–' when there is no number. */
  cost: string;
  interval: string | null;
  verdict: Comparison['verdict'] | 'none';
  sign: string;
  word: string;
  why: string;
  /** What could have been seen, beside the verdict; null where there is none. */
  sight: SightWords | null;
  /** Absolute median with its unit, or null. */
  median: string | null;
  rounds: number;
  problem: string | null;
}

/** One metric of one workload over all arms. */
export interface AnswerRow {
  workload: string;
  /** About the box itself (start-up, memory), not about work in it. */
  isBox: boolean;
  workloadName: string;
  metric: string;
  metricTitle: string;
  unit: string;
  better: Metric['better'];
  betterWord: string;
  primary: boolean;
  /** Absolute median of the baseline arm, or null. */
  baselineMedian: string | null;
  cells: AnswerCell[];
}

/** The answer: metric × arm. The page, the terminal and the exports print this and nothing else. */
export interface AnswerTable {
  baseline: string;
  baselineName: string;
  baselineEmulated: boolean;
  /** The baseline was run a second time, under another name. */
  hasControl: boolean;
  arms: { id: string; name: string; emulated: boolean; caveats: string[] }[];
  rows: AnswerRow[];
}

/** Lookup by workload, arm and metric, in constant time: a run may have thousands of cells. */
export function keyOf(workload: string, arm: string, metric: string): string {
  return JSON.stringify([workload, arm, metric]);
}

export function answerTable(summary: Summary, plan: Plan): AnswerTable {
  const names = namesOf(plan);
  const medians = new Map<string, CellSummary>(
    summary.cells.map((cell) => [keyOf(cell.workload, cell.arm, cell.metric), cell]),
  );
  const comparisons = new Map<string, Comparison>(
    summary.comparisons.map((one) => [keyOf(one.workload, one.arm, one.metric), one]),
  );
  const planned = new Set(plan.cells.map((cell) => JSON.stringify([cell.workload, cell.arm])));
  const others = plan.arms.filter((arm) => arm.id !== summary.baseline);
  const median = (workload: string, arm: string, metric: string): string | null => {
    const cell = medians.get(keyOf(workload, arm, metric));
    return cell && cell.n > 0 ? quantity(cell.median, printable(cell.unit, 24)) : null;
  };
  // Not every box has a kernel to boot or a disk that grows: a detail of which no box gave a value is no row.
  const given = new Set(summary.cells.map((cell) => JSON.stringify([cell.workload, cell.metric])));
  const isAsked = (workload: string, metric: Metric): boolean =>
    metric.primary || given.has(JSON.stringify([workload, metric.name]));
  const cellOf = (workload: string, arm: string, metric: Metric): AnswerCell => {
    const comparison = comparisons.get(keyOf(workload, arm, metric.name));
    const words = comparison ? costWords(comparison) : null;
    const verdict = comparison && words ? verdictWords(comparison.verdict) : null;
    const wasPlanned = workload === INSTANCE_WORKLOAD || planned.has(JSON.stringify([workload, arm]));
    return {
      arm,
      armName: names.plainArm(arm),
      emulated: names.isEmulated(arm),
      cost: words?.signed ?? '–',
      interval: words?.interval ?? null,
      verdict: comparison && words ? comparison.verdict : 'none',
      sign: verdict?.sign ?? '',
      word: verdict?.word ?? (wasPlanned ? 'no number' : 'not asked'),
      why: printable(comparison?.why ?? ''),
      sight: comparison ? sightWords(comparison) : null,
      median: median(workload, arm, metric.name),
      rounds: comparison?.n ?? 0,
      problem: wasPlanned ? (comparison?.problem ?? (comparison ? null : 'no trial gave a value')) : null,
    };
  };
  return {
    baseline: summary.baseline,
    baselineName: names.arm(summary.baseline),
    baselineEmulated: names.isEmulated(summary.baseline),
    hasControl: plan.control !== undefined,
    arms: others.map((arm) => ({
      id: arm.id,
      name: names.arm(arm.id),
      emulated: arm.emulated,
      caveats: arm.caveats.map((caveat) => printable(caveat, 160)),
    })),
    rows: summarizedWorkloads(plan.workloads).flatMap((workload) =>
      workload.metrics
        .filter((metric) => isAsked(workload.id, metric))
        .map((metric) => ({
          workload: workload.id,
          isBox: workload.id === INSTANCE_WORKLOAD,
          workloadName: names.workload(workload.id),
          metric: metric.name,
          metricTitle: printable(metric.title, 120),
          unit: printable(metric.unit, 24),
          better: metric.better,
          betterWord: metric.better === 'higher' ? 'more is better' : 'less is better',
          primary: metric.primary,
          baselineMedian: median(workload.id, summary.baseline, metric.name),
          cells: others.map((arm) => cellOf(workload.id, arm.id, metric)),
        })),
    ),
  };
}
