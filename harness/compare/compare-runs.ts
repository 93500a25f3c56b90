import type { Comparison, Sight, Summary } from '../../results/record/summary.ts';
import type { Run } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { differencesOfRuns, underTest } from '../gate/comparable.ts';

/** One overhead in both runs. */
export interface ComparedOverhead {
  workload: string;
  metric: string;
  arm: string;
  baseline: string;
  a: OverheadSide | null;
  b: OverheadSide | null;
  /** overhead(b) / overhead(a), both as cost; null when one is missing. */
  ratio: number | null;
  /** Whether the two intervals share a value; null when one is missing. */
  overlap: boolean | null;
}

export interface OverheadSide {
  overhead: number;
  low: number | null;
  high: number | null;
  n: number;
  verdict: Comparison['verdict'];
  /** What this run could have seen, and its noise floor where it had a control. */
  sight: Sight | null;
}

/** Two runs side by side: what differs in machine, tools and set-up, and every overhead that either has. */
export interface ComparedRuns {
  schema: 'tare.comparison/1';
  a: string;
  b: string;
  differences: string[];
  overheads: ComparedOverhead[];
  warnings: string[];
}

/**
 * Sets two finished runs side by side. Overheads (arm against baseline within one run) travel between machines better
 * than absolute numbers, so only those are compared, and without a test: two runs are not interleaved. For a decision
 * there is `bench gate`.
 */
export function compareRuns(a: Run, b: Run): ComparedRuns {
  const [ofA, ofB] = [summarize(a), summarize(b)];
  const names = new Map<string, Comparison>();
  for (const one of [...ofA.comparisons, ...ofB.comparisons]) names.set(keyOf(one), one);
  const overheads = [...names].map(([key, { workload, metric, arm, baseline }]): ComparedOverhead => {
    const [one, other] = [sideOf(ofA, key), sideOf(ofB, key)];
    return {
      ...{ workload, metric, arm, baseline, a: one, b: other },
      ratio: one && other ? other.overhead / one.overhead : null,
      overlap: one && other ? overlapping(one, other) : null,
    };
  });
  const warnings = [
    'the two runs were not interleaved: what differs between them may be the hour, not the arm',
  ];
  if (a.plan.baseline !== b.plan.baseline)
    warnings.push(
      `other baselines (${a.plan.baseline}, ${b.plan.baseline}): only overheads against the same one are set side by side`,
    );
  return {
    schema: 'tare.comparison/1',
    ...{
      a: a.plan.runId,
      b: b.plan.runId,
      differences: [...underTest(a, b), ...differencesOfRuns(a, b)],
      overheads,
    },
    warnings: [...warnings, ...a.warnings, ...b.warnings],
  };
}

function keyOf({ workload, metric, arm, baseline }: Comparison): string {
  return [workload, metric, arm, baseline].join('\0');
}

function sideOf(summary: Summary, key: string): OverheadSide | null {
  const found = summary.comparisons.find((one) => keyOf(one) === key);
  if (!found || found.overhead === null) return null;
  const { overhead, interval, n, verdict, sight = null } = found;
  return { overhead, low: interval?.low ?? null, high: interval?.high ?? null, n, verdict, sight };
}

function overlapping(a: OverheadSide, b: OverheadSide): boolean | null {
  if (a.low === null || a.high === null || b.low === null || b.high === null) return null;
  return a.low <= b.high && b.low <= a.high;
}
