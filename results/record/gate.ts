import * as z from 'zod';
import { intervalSchema } from './summary.ts';

const answer = z.enum(['pass', 'fail', 'inconclusive']);

/** One metric of a gate, or one budget on an overhead. */
export const gateMetricSchema = z.strictObject({
  kind: z.enum(['metric', 'budget']),
  name: z.string(),
  workload: z.string(),
  metric: z.string(),
  unit: z.string(),
  reference: z.string().meta({ description: 'what the candidate is set against: an arm, or a run' }),
  candidate: z.string(),
  answer,
  tolerance: z.number().meta({ description: 'tolerated worsening as a ratio; of a budget: budget − 1' }),
  n: z.int(),
  change: z
    .number()
    .nullable()
    .meta({ description: 'cost of the candidate over the reference; above 1 is worse' }),
  interval: intervalSchema.nullable(),
  pFail: z.number().nullable(),
  pFailAdjusted: z.number().nullable().meta({ description: "Holm's; this is what fails the gate" }),
  qFail: z.number().nullable().meta({ description: "Benjamini–Hochberg's; this orders the report" }),
  pPass: z.number().nullable(),
  detectable: z.number().nullable().meta({
    description: 'smallest worsening, as a ratio, that this job would have failed nine times in ten',
  }),
  control: z
    .strictObject({ apparent: z.number(), low: z.number().nullable(), high: z.number().nullable() })
    .nullable()
    .meta({ description: 'the difference that the reference seems to have from itself' }),
  problem: z.string().nullable(),
  why: z.string(),
});
export type GateMetricRecord = z.infer<typeof gateMetricSchema>;

/** What `bench gate` answers. */
export const gateSchema = z.strictObject({
  schema: z.literal('tare.gate/1'),
  answer,
  why: z.string(),
  reference: z.string(),
  candidate: z.string(),
  mode: z.enum(['interleaved', 'stored']),
  run: z.string().nullable().meta({ description: 'folder of the run that holds the trials' }),
  alpha: z.number(),
  look: z.int().meta({ description: 'which look decided, counted from 1' }),
  looks: z.int(),
  rounds: z.int(),
  roundsToFail: z.int().meta({ description: 'fewer rounds than this cannot fail one metric' }),
  differs: z.array(z.string()).optional().meta({
    description: 'what the two arms run on that is not the same: emulator, kernel, launcher, image',
  }),
  metrics: z.array(gateMetricSchema).meta({ description: 'worst first' }),
  warnings: z.array(z.string()),
});
export type GateRecord = z.infer<typeof gateSchema>;
