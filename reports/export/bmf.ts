import type { ExportFormat } from './format.ts';

/** Bencher Metric Format (bencher.dev/docs/reference/bencher-metric-format): median and its interval per cell and metric. */
export const bmf: ExportFormat = {
  id: 'bmf',
  summary: 'Bencher Metric Format (bencher run --adapter json)',
  extension: 'json',
  write: ({ summary }) => {
    const benchmarks = new Map<
      string,
      Record<string, { value: number; lower_value?: number; upper_value?: number }>
    >();
    for (const cell of summary.cells) {
      if (cell.n === 0) continue;
      const name = `${cell.workload}/${cell.arm}`;
      const measures = benchmarks.get(name) ?? {};
      // A map, not an object, holds the names of others; `__proto__` must stay a plain key in the JSON too.
      Object.defineProperty(measures, cell.metric, {
        enumerable: true,
        value: {
          value: cell.median,
          ...(cell.medianInterval
            ? { lower_value: cell.medianInterval.low, upper_value: cell.medianInterval.high }
            : {}),
        },
      });
      benchmarks.set(name, measures);
    }
    const parts = [...benchmarks].map(
      ([name, measures]) => `${JSON.stringify(name)}: ${JSON.stringify(measures)}`,
    );
    return `{\n${parts.join(',\n')}\n}\n`;
  },
};
