import * as z from 'zod';
import { counted, threadsOption } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults } from '../defaults.ts';
import { toSamples } from '../samples.ts';
import { execute } from '../execute.ts';
import { nothingToPrepare, sysbenchAlone } from '../sysbench/self-contained.ts';
import { rawWords } from '../tool-output.ts';
import { parseMutex } from './parse-mutex.ts';

const optionsSchema = z.strictObject({
  threads: threadsOption.meta({ description: 'threads that compete; each does its locks once' }),
  mutexes: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(defaults.mutexes)
    .meta({ description: 'size of the array of mutexes; fewer means more contention' }),
  locks: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(defaults.mutexLocks)
    .meta({ description: 'mutexes taken by each thread' }),
  loops: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(defaults.mutexLoops)
    .meta({ description: 'empty loops outside the mutex before each lock' }),
});
export type MutexOptions = z.infer<typeof optionsSchema>;

/** Empty loops per second of one CPU, for the estimate of the length only: a 2.6 GHz machine took 1.6 s for 5·10⁸. */
const LOOPS_PER_SECOND = 3e8;

const metrics = [
  {
    name: 'total_time',
    unit: 's',
    better: 'lower' as const,
    title: 'time until every thread has taken its mutexes',
    primary: true,
  },
];

/** Locks: a fixed amount of taking and giving mutexes. The metric is the time it took, as the test has no other. */
export const sysbenchMutex: Workload<MutexOptions> = {
  id: 'sysbench-mutex',
  summary: 'Locks: time for a fixed number of mutex operations (sysbench mutex)',
  optionsSchema,
  describe: ({ threads, mutexes, locks, loops }) => ({
    label: `Mutex, ${counted(threads, 'thread')}, ${locks} locks of ${mutexes}, ${loops} loops`,
    metrics,
    seconds: (threads * locks * Math.max(1, loops)) / LOOPS_PER_SECOND,
    ...sysbenchAlone,
  }),
  ...nothingToPrepare,
  async run(session) {
    const { threads, mutexes, locks, loops } = session.options;
    const output = await execute(session, [
      'sysbench',
      'mutex',
      `--threads=${threads}`,
      '--time=0',
      `--events=${threads}`,
      `--mutex-num=${mutexes}`,
      `--mutex-locks=${locks}`,
      `--mutex-loops=${loops}`,
      'run',
    ]);
    session.log(rawWords(output));
    const report = parseMutex(output, threads);
    return {
      samples: toSamples(metrics, { total_time: report.totalSeconds }),
      insideSeconds: report.totalSeconds,
      raw: rawWords(output),
    };
  },
};
