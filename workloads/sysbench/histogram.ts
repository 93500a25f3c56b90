/** One bucket of `--histogram`: its value in ms and how many events fell into it. */
export interface Bucket {
  valueMs: number;
  count: number;
}

const row = /^\s*(\d+\.\d+) \|\**\s+(\d+)$/;

/**
 * The buckets of sysbench's `--histogram=on`, in rising order; empty when there is none. They carry three decimals, while
 * the report prints '0.00' for anything below 5 µs, which is most of a cached read and useless in a ratio.
 */
export function readHistogram(stdout: string): Bucket[] {
  const lines = stdout.split('\n');
  const head = lines.findIndex((line) => line.startsWith('Latency histogram'));
  if (head < 0) return [];
  const buckets: Bucket[] = [];
  for (const line of lines.slice(head + 2)) {
    const match = row.exec(line);
    if (!match) break;
    buckets.push({ valueMs: Number(match[1]), count: Number(match[2]) });
  }
  return buckets;
}

/**
 * The percentile as sysbench takes it (sb_histogram.c): the value of the first bucket at which the running count reaches
 * ⌊n·p/100 + ½⌋. Null without buckets.
 */
export function percentileMs(buckets: readonly Bucket[], percent: number): number | null {
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const target = Math.floor((total * percent) / 100 + 0.5);
  let running = 0;
  for (const bucket of buckets) {
    running += bucket.count;
    if (running >= target && running > 0) return bucket.valueMs;
  }
  return null;
}
