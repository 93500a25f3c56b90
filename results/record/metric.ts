import * as z from 'zod';

/** What a workload measures: a name, its unit, and which direction is better. */
export const metricSchema = z.strictObject({
  name: z.string().min(1).meta({ description: 'snake_case, unique within its workload' }),
  unit: z.string().min(1).meta({ description: "as printed, e.g. 'events/s', 'MiB/s', 'ms'" }),
  better: z.enum(['higher', 'lower']),
  title: z.string().min(1).meta({ description: 'in words a student understands' }),
  primary: z.boolean().meta({ description: 'shown in the answer table; the others are details' }),
});
export type Metric = z.infer<typeof metricSchema>;

/** One value of one metric from one trial. Finite by construction: a value that cannot be trusted is not a value. */
export const sampleSchema = z.strictObject({
  metric: z.string().min(1),
  unit: z.string().min(1),
  value: z.number(),
});
export type Sample = z.infer<typeof sampleSchema>;
