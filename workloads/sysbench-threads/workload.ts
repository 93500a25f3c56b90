import * as z from 'zod';
import { counted, secondsOption, threadsOption } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults } from '../defaults.ts';
import { toSamples } from '../samples.ts';
import { execute } from '../execute.ts';
import { latencyMetrics, timedCommand } from '../sysbench/command.ts';
import { readReport } from '../sysbench/report.ts';
import { nothingToPrepare, sysbenchAlone } from '../sysbench/self-contained.ts';
import { rawWords } from '../tool-output.ts';

const optionsSchema = z.strictObject({
  seconds: secondsOption,
  threads: threadsOption.meta({
    description: 'threads that yield to each other; more than CPUs is the point',
  }),
  yields: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(defaults.threadYields)
    .meta({ description: 'lock, yield, unlock: how often per event' }),
  locks: z
    .int()
    .min(1)
    .max(100_000)
    .default(defaults.threadLocks)
    .meta({ description: 'mutexes shared by the threads; fewer means more contention' }),
});
export type ThreadsOptions = z.infer<typeof optionsSchema>;

const metrics = [
  {
    name: 'events_per_second',
    unit: 'events/s',
    better: 'higher' as const,
    title: 'rounds of yielding per second',
    primary: true,
  },
  ...latencyMetrics,
];

/** Scheduler: threads take a mutex, yield the CPU, and give it back. Almost all of it is system calls. */
export const sysbenchThreads: Workload<ThreadsOptions> = {
  id: 'sysbench-threads',
  summary: 'Scheduler: rounds of lock, yield, unlock per second (sysbench threads)',
  optionsSchema,
  describe: ({ seconds, threads, yields, locks }) => ({
    label: `Scheduler, ${counted(threads, 'thread')}, ${yields} yields, ${counted(locks, 'lock')}`,
    metrics,
    seconds,
    ...sysbenchAlone,
  }),
  ...nothingToPrepare,
  async run(session) {
    const { seconds, threads, yields, locks } = session.options;
    const argv = timedCommand('threads', seconds, threads, [
      `--thread-yields=${yields}`,
      `--thread-locks=${locks}`,
    ]);
    const output = await execute(session, argv);
    session.log(rawWords(output));
    const report = readReport(output, seconds);
    return {
      samples: toSamples(metrics, {
        // sysbench 1.0 prints no rate for this test.
        events_per_second: report.events / report.totalSeconds,
        latency_avg: report.latencyAvgMs,
        latency_p95: report.latencyP95Ms,
      }),
      insideSeconds: report.totalSeconds,
      raw: rawWords(output),
    };
  },
};
