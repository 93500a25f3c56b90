import * as z from 'zod';
import { counted, secondsOption, threadsOption } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults } from '../defaults.ts';
import { toSamples } from '../samples.ts';
import { execute } from '../execute.ts';
import { latencyMetrics, timedCommand } from '../sysbench/command.ts';
import { nothingToPrepare, sysbenchAlone } from '../sysbench/self-contained.ts';
import { rawWords } from '../tool-output.ts';
import { parseCpu } from './parse-cpu.ts';

const optionsSchema = z.strictObject({
  seconds: secondsOption,
  threads: threadsOption,
  primes: z
    .int()
    .min(3)
    .max(10_000_000)
    .default(defaults.primes)
    .meta({ description: 'each event finds the primes up to this number; larger means longer events' }),
});
export type CpuOptions = z.infer<typeof optionsSchema>;

const metrics = [
  {
    name: 'events_per_second',
    unit: 'events/s',
    better: 'higher' as const,
    title: 'CPU work per second',
    primary: true,
  },
  ...latencyMetrics,
];

/** Pure computation: 64-bit divisions in a loop. No memory, no system calls: what is left is the CPU itself. */
export const sysbenchCpu: Workload<CpuOptions> = {
  id: 'sysbench-cpu',
  summary: 'CPU: prime numbers found per second (sysbench cpu)',
  optionsSchema,
  describe: ({ seconds, threads, primes }) => ({
    label: `CPU, primes to ${primes}, ${counted(threads, 'thread')}`,
    metrics,
    seconds,
    ...sysbenchAlone,
  }),
  ...nothingToPrepare,
  async run(session) {
    const { seconds, threads, primes } = session.options;
    const argv = timedCommand('cpu', seconds, threads, [`--cpu-max-prime=${primes}`]);
    const output = await execute(session, argv);
    session.log(rawWords(output));
    const report = parseCpu(output, seconds);
    return {
      samples: toSamples(metrics, {
        events_per_second: report.eventsPerSecond,
        latency_avg: report.latencyAvgMs,
        latency_p95: report.latencyP95Ms,
      }),
      insideSeconds: report.totalSeconds,
      raw: rawWords(output),
    };
  },
};
