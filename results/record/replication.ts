import * as z from 'zod';

/** One level of a nested design, outermost first. */
export const replicationLevelSchema = z.strictObject({
  level: z.string(),
  repetitions: z
    .int()
    .meta({ description: 'how often the pilot repeated it inside one of the level around it' }),
  observed: z.number().meta({ description: 'S²: variance of the means at this level, in unit²' }),
  own: z
    .number()
    .meta({ description: 'T²: without what the levels inside contribute, at least 0, in unit²' }),
  cov: z.number().nullable().meta({ description: '√T² over the mean; null when the mean is 0' }),
  share: z.number().meta({ description: "of the sum of all levels' T²" }),
  cost: z
    .number()
    .meta({ description: 'of one more repetition at this level by itself, in the unit of the costs' }),
  recommended: z.int().nullable().meta({
    description:
      'repetitions inside one of the level around it; of the outermost: for the target precision; null: as many as you like',
  }),
});
export type ReplicationLevel = z.infer<typeof replicationLevelSchema>;

/** Where repetition pays for one arm, workload and metric. */
export const replicationEntrySchema = z.strictObject({
  workload: z.string(),
  arm: z.string(),
  metric: z.string(),
  unit: z.string(),
  mean: z.number(),
  values: z.int().meta({ description: 'used, after the design was balanced' }),
  leftOut: z
    .int()
    .meta({ description: 'values beyond the smallest count of their level, or of repetitions alone' }),
  levels: z.array(replicationLevelSchema),
  pilotCost: z.number().meta({ description: 'for the target precision, repeated inside as the pilot was' }),
  recommendedCost: z
    .number()
    .nullable()
    .meta({ description: 'for the same precision, repeated as recommended' }),
  why: z.string(),
  problem: z.string().nullable(),
});
export type ReplicationEntry = z.infer<typeof replicationEntrySchema>;

/** What `bench analyze --replication` answers. */
export const replicationSchema = z.strictObject({
  schema: z.literal('tare.replication/1'),
  source: z.string(),
  levels: z.array(z.string()).meta({ description: 'outermost first' }),
  precision: z.number().meta({ description: 'target half-width of the mean, as a ratio' }),
  confidence: z.number(),
  costUnit: z.string(),
  entries: z.array(replicationEntrySchema),
  warnings: z.array(z.string()),
});
export type Replication = z.infer<typeof replicationSchema>;
