import type { Comparison, NoiseFloor } from '../record/summary.ts';

/**
 * What a control arm (the baseline a second time, under another name) shows of each metric: the difference that two
 * equal arms seem to have, and the smallest real one that these rounds would have shown nine times in ten.
 */
export function noiseFloor(control: string, comparisons: readonly Comparison[]): NoiseFloor[] {
  return comparisons.flatMap(({ arm, workload, metric, n, pairedSd, overhead, interval, sight }) => {
    if (arm !== control || pairedSd === null || overhead === null || !sight) return [];
    return [
      {
        ...{ workload, metric, n, pairedSd, apparent: overhead },
        ...{ low: interval?.low ?? null, high: interval?.high ?? null, detectable: sight.detectable },
      },
    ];
  });
}

/**
 * Puts the noise floor beside each verdict. What a comparison could have seen is never told smaller than what the
 * control could: an arm that happened to scatter less than the baseline does against itself was lucky.
 */
export function withNoiseFloor(
  comparisons: readonly Comparison[],
  control: string,
  floors: readonly NoiseFloor[],
): Comparison[] {
  const byMetric = new Map(floors.map((floor) => [`${floor.workload}\0${floor.metric}`, floor]));
  return comparisons.map((one) => {
    const floor = byMetric.get(`${one.workload}\0${one.metric}`);
    if (!one.sight || !floor || one.arm === control) return one;
    const { apparent, low, high, detectable } = floor;
    const from = detectable > one.sight.detectable ? 'control' : 'pairs';
    return {
      ...one,
      sight: {
        detectable: Math.max(detectable, one.sight.detectable),
        from,
        floor: { apparent, low, high },
      },
    };
  });
}
