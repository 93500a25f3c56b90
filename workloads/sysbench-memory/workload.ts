import * as z from 'zod';
import { counted, secondsOption, threadsOption } from '../common-options.ts';
import type { Workload } from '../contract.ts';
import { defaults } from '../defaults.ts';
import { toSamples } from '../samples.ts';
import { parseSize, printSize, sizeSchema } from '../size.ts';
import { execute } from '../execute.ts';
import { timedCommand } from '../sysbench/command.ts';
import { nothingToPrepare, sysbenchAlone } from '../sysbench/self-contained.ts';
import { rawWords } from '../tool-output.ts';
import { parseMemory } from './parse-memory.ts';

/** sysbench refuses other sizes ("Invalid value for memory-block-size"); said here, before anything is built. */
const blockSize = sizeSchema.superRefine((text, context) => {
  let bytes: number;
  try {
    bytes = parseSize(text);
  } catch {
    return; // said by sizeSchema already
  }
  if (bytes < 8 || !Number.isInteger(Math.log2(bytes)))
    context.addIssue({
      code: 'custom',
      message: `a block of ${bytes} bytes is not a power of two of at least 8 bytes`,
    });
});

const optionsSchema = z.strictObject({
  seconds: secondsOption,
  threads: threadsOption,
  blockSize: blockSize.default(defaults.memoryBlockSize).meta({
    description:
      "bytes touched per operation, a power of two, e.g. '1KiB' (stays in cache) or '64MiB' (does not)",
  }),
  operation: z
    .enum(['read', 'write'])
    .default(defaults.memoryOperation)
    .meta({ description: 'what is done to the block' }),
  access: z
    .enum(['sequential', 'random'])
    .default(defaults.memoryAccess)
    .meta({ description: 'order within the block; random also pays for a random number per word' }),
  scope: z
    .enum(['global', 'local'])
    .default(defaults.memoryScope)
    .meta({ description: 'one block for all threads, or one for each' }),
});
export type MemoryOptions = z.infer<typeof optionsSchema>;

const metrics = [
  {
    name: 'throughput',
    unit: 'MiB/s',
    better: 'higher' as const,
    title: 'memory read or written per second',
    primary: true,
  },
  {
    name: 'operations_per_second',
    unit: 'operations/s',
    better: 'higher' as const,
    title: 'blocks per second',
    primary: false,
  },
];

/** Passes over a block of memory. The size of the block decides which cache, or none, is being measured. */
export const sysbenchMemory: Workload<MemoryOptions> = {
  id: 'sysbench-memory',
  summary: 'Memory: bytes read or written per second (sysbench memory)',
  optionsSchema,
  describe: ({ seconds, threads, blockSize: size, operation, access, scope }) => ({
    label:
      `Memory, ${access} ${operation}, ${printSize(parseSize(size))} block, ${counted(threads, 'thread')}` +
      (threads > 1 ? `, ${scope} block` : ''),
    metrics,
    seconds,
    ...sysbenchAlone,
  }),
  ...nothingToPrepare,
  async run(session) {
    const { seconds, threads, operation, access, scope } = session.options;
    const blockBytes = parseSize(session.options.blockSize);
    const argv = timedCommand('memory', seconds, threads, [
      `--memory-block-size=${blockBytes}`,
      // 0 is no limit: the default of 100 GiB ends a fast run before its time (pitfall 4).
      '--memory-total-size=0',
      `--memory-oper=${operation}`,
      `--memory-access-mode=${access === 'sequential' ? 'seq' : 'rnd'}`,
      `--memory-scope=${scope}`,
    ]);
    const output = await execute(session, argv);
    session.log(rawWords(output));
    const report = parseMemory(output, seconds, blockBytes);
    return {
      samples: toSamples(metrics, {
        throughput: report.mibPerSecond,
        operations_per_second: report.operationsPerSecond,
      }),
      insideSeconds: report.totalSeconds,
      raw: rawWords(output),
    };
  },
};
