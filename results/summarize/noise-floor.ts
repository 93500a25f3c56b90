import type { Policy } from '../record/plan.ts';
import type { Comparison, NoiseFloor } from '../record/summary.ts';
import { detectableShift } from '../statistics/rounds-needed.ts';

/**
 * What a control arm (the baseline a second time, under another name) shows of each metric: the difference that two
 * equal arms seem to have, and the smallest real one that these rounds would have shown nine times in ten.
 */
export function noiseFloor(
  control: string,
  comparisons: readonly Comparison[],
  { confidence }: Pick<Policy, 'confidence'>,
): NoiseFloor[] {
  return comparisons.flatMap(({ arm, workload, metric, n, pairedSd, overhead, interval }) => {
    if (arm !== control || pairedSd === null || overhead === null) return [];
    const shift = detectableShift(n, pairedSd, (1 - confidence) / 2);
    return [
      {
        ...{ workload, metric, n, pairedSd, apparent: overhead },
        ...{ low: interval?.low ?? null, high: interval?.high ?? null, detectable: Math.expm1(shift) },
      },
    ];
  });
}
