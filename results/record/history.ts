import * as z from 'zod';
import { intervalSchema } from './summary.ts';

/** One line of a history file: one overhead of one run. */
export const historyPointSchema = z.strictObject({
  schema: z.literal('tare.history/1'),
  series: z.string().meta({ description: '<workload>.<metric> <arm>/<baseline>' }),
  run: z.string(),
  at: z.iso.datetime(),
  commit: z.string().nullable().meta({ description: 'revision of what was measured, as the user named it' }),
  machine: z
    .string()
    .nullable()
    .meta({ description: 'fingerprint; series of other machines are kept apart' }),
  logRatio: z.number().meta({ description: 'ln of the cost of the arm over the baseline; above 0 is worse' }),
  interval: intervalSchema.nullable().meta({ description: 'of logRatio' }),
  n: z.int(),
});
export type HistoryPoint = z.infer<typeof historyPointSchema>;
