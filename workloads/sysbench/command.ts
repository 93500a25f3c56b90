import type { Metric } from '../../results/record/metric.ts';

/** Events end nothing, the clock does; percentile and histogram are asked for by name, not left to a build's defaults. */
export function timedCommand(test: string, seconds: number, threads: number, options: string[]): string[] {
  return [
    'sysbench',
    test,
    `--threads=${threads}`,
    `--time=${seconds}`,
    '--events=0',
    '--percentile=95',
    '--histogram=on',
    ...options,
    'run',
  ];
}

/** The two latency metrics that every sysbench test of events has. */
export const latencyMetrics: Metric[] = [
  { name: 'latency_avg', unit: 'ms', better: 'lower', title: 'mean time of one event', primary: false },
  {
    name: 'latency_p95',
    unit: 'ms',
    better: 'lower',
    title: 'time within which 95 % of events end',
    primary: false,
  },
];
