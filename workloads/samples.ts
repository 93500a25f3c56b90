import { BenchError } from '../results/bench-error.ts';
import type { Metric, Sample } from '../results/record/metric.ts';

/**
 * Values by metric name → samples in the order of the metrics. Every described metric must have a finite value, and no
 * other may be there; `null` says that the tool's resolution gave none, and leaves that sample out.
 */
export function toSamples(
  metrics: readonly Metric[],
  values: Readonly<Record<string, number | null>>,
): Sample[] {
  const known = new Set(metrics.map((metric) => metric.name));
  const stray = Object.keys(values).find((name) => !known.has(name));
  if (stray !== undefined)
    throw new BenchError('bad-value', `a value for '${stray}', which is no metric here`);
  return metrics.flatMap(({ name, unit, primary }) => {
    const value = values[name];
    if (value === null && !primary) return [];
    if (value === undefined || value === null || !Number.isFinite(value))
      throw new BenchError('bad-value', `${name} has no finite value (${String(value)})`);
    return [{ metric: name, unit, value }];
  });
}
