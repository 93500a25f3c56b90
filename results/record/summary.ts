import * as z from 'zod';

const better = z.enum(['higher', 'lower']);

/** An interval with the level it really achieves (order statistics are discrete). */
export const intervalSchema = z.strictObject({ low: z.number(), high: z.number(), level: z.number() });
export type Interval = z.infer<typeof intervalSchema>;

/** STATISTICS 2: one arm, one workload, one metric, described. */
export const cellSummarySchema = z.strictObject({
  workload: z.string(),
  arm: z.string(),
  metric: z.string(),
  unit: z.string(),
  better,
  n: z.int(),
  voidedRounds: z.int(),
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  median: z.number(),
  medianInterval: intervalSchema.nullable(),
  hodgesLehmann: z.number(),
  mad: z.number(),
  cov: z.number().nullable().meta({ description: 'sd / mean; null when the mean is 0' }),
  lag1: z.number().nullable().meta({ description: 'lag-1 autocorrelation over rounds; null below 3 rounds' }),
  driftPerRound: z.number().nullable().meta({ description: 'Theil–Sen slope in unit per round' }),
});
export type CellSummary = z.infer<typeof cellSummarySchema>;

export const verdictSchema = z.enum([
  'worse',
  'better',
  'equivalent',
  'different-but-negligible',
  'inconclusive',
]);
export type Verdict = z.infer<typeof verdictSchema>;

/** What a comparison could have seen, and what two equal boxes seemed to differ by. Stands beside every verdict. */
export const sightSchema = z.strictObject({
  detectable: z.number().meta({
    description:
      'minimum detectable effect: the smallest worsening, as a ratio − 1, that these rounds would have shown nine times in ten',
  }),
  from: z.enum(['pairs', 'control']).meta({
    description:
      "whose scatter `detectable` is from: the comparison's own pairs, or the A/A control's where that is larger",
  }),
  floor: z
    .strictObject({ apparent: z.number(), low: z.number().nullable(), high: z.number().nullable() })
    .nullable()
    .meta({
      description: 'cost ratio that the baseline seemed to have against itself; null without a control arm',
    }),
});
export type Sight = z.infer<typeof sightSchema>;

/** STATISTICS 3–4: one arm against the baseline. All ratios are costs: above 1 is worse. */
export const comparisonSchema = z.strictObject({
  workload: z.string(),
  arm: z.string(),
  baseline: z.string(),
  metric: z.string(),
  unit: z.string(),
  better,
  n: z.int().meta({ description: 'rounds in which both arms have a value' }),
  overhead: z
    .number()
    .nullable()
    .meta({ description: 'exp of the Hodges–Lehmann estimate of the paired log-ratio' }),
  interval: intervalSchema.nullable().meta({ description: 'at the stated confidence; null: too few rounds' }),
  interval90: intervalSchema.nullable().meta({ description: 'what equivalence is judged by' }),
  pValue: z.number().nullable().meta({ description: 'two-sided signed-rank (or sign-flip) for "no effect"' }),
  method: z.enum(['signed-rank', 'sign-flip', 'none']),
  verdict: verdictSchema,
  why: z.string().meta({ description: 'the verdict in one sentence' }),
  stallCost: z
    .strictObject({
      ratio: z.number(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      disagrees: z.boolean(),
    })
    .nullable()
    .meta({ description: 'ratio of totals with its Fieller interval; a null bound is unbounded' }),
  pairedSd: z.number().nullable().meta({ description: 'sd of the paired log-ratios' }),
  roundsNeeded: z
    .int()
    .nullable()
    .meta({ description: 'for 90 % power at the margin, at the paired sd seen' }),
  sight: sightSchema
    .nullable()
    .optional()
    .meta({ description: 'what could have been seen; null when there are too few pairs to say' }),
  positionEffect: z
    .number()
    .nullable()
    .meta({ description: 'largest |mean paired log-ratio by position − overall|, standardised' }),
  problem: z.string().nullable().meta({ description: 'why there is no number, when there is none' }),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** A published number set beside ours. */
export const publishedBesideSchema = z.strictObject({
  id: z.string(),
  source: z.string(),
  setup: z.string(),
  workload: z.string(),
  arm: z.string(),
  baseline: z.string(),
  published: z.number().meta({ description: 'overhead as cost, from the published numbers' }),
  ours: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  agrees: z.boolean().nullable().meta({ description: 'the published ratio lies in our interval' }),
});
export type PublishedBeside = z.infer<typeof publishedBesideSchema>;

/** STATISTICS 5: how a workload of an adaptive run came to its end. */
export const stopSchema = z.strictObject({
  workload: z.string(),
  stop: z.boolean(),
  reason: z.enum(['precision-met', 'max-rounds', 'budget-spent', 'goes-on', 'gate-decided']),
  rounds: z.int(),
  halfWidth: z.number().nullable().meta({ description: 'widest half-width at the look level, as a ratio' }),
  widest: z.string().nullable(),
  why: z.string(),
});
export type Stop = z.infer<typeof stopSchema>;

/** What a second arm equal to the baseline showed: the noise floor of one metric. */
export const noiseFloorSchema = z.strictObject({
  workload: z.string(),
  metric: z.string(),
  n: z.int(),
  pairedSd: z.number(),
  apparent: z.number().meta({ description: 'the cost ratio that the two equal arms seemed to have' }),
  low: z.number().nullable(),
  high: z.number().nullable(),
  detectable: z.number().meta({
    description: 'smallest worsening, as a ratio, that these rounds would have shown nine times in ten',
  }),
});
export type NoiseFloor = z.infer<typeof noiseFloorSchema>;

/** The main effect of one option in a factorial run: arms equal but for it, compared within rounds. */
export const factorSchema = z.strictObject({
  workload: z.string(),
  metric: z.string(),
  factor: z.string().meta({ description: 'name of the option' }),
  from: z.string(),
  to: z.string(),
  pairs: z.int().meta({ description: 'pairs of arms that are equal but for this option' }),
  n: z.int(),
  ratio: z
    .number()
    .meta({ description: 'cost at `to` over cost at `from`: below 1, going there is cheaper' }),
  interval: intervalSchema.nullable(),
});
export type Factor = z.infer<typeof factorSchema>;

/** How much of the gap between the baseline and a box each of its options explains. Shares are of the logarithm. */
export const gapSchema = z.strictObject({
  workload: z.string(),
  metric: z.string(),
  arm: z.string().meta({ description: 'the arm with the first level of every option' }),
  baseline: z.string(),
  ratio: z.number(),
  interval: intervalSchema.nullable(),
  explained: z.array(
    z.strictObject({ factor: z.string(), from: z.string(), to: z.string(), share: z.number() }),
  ),
  remaining: z
    .strictObject({
      arm: z.string(),
      ratio: z.number(),
      interval: intervalSchema.nullable(),
      share: z.number(),
    })
    .nullable()
    .meta({ description: 'the arm with the last level of every option against the baseline' }),
  sentence: z.string(),
});
export type Gap = z.infer<typeof gapSchema>;

/** summary.json: everything the page says in numbers, recomputable from plan.json and trials.jsonl. */
export const summarySchema = z.strictObject({
  schema: z.literal('tare.summary/1'),
  runId: z.string(),
  planHash: z.string(),
  baseline: z.string(),
  margin: z.number(),
  confidence: z.number(),
  cells: z.array(cellSummarySchema),
  comparisons: z.array(comparisonSchema),
  published: z.array(publishedBesideSchema),
  counts: z.strictObject({
    planned: z.int(),
    completed: z.int(),
    failed: z.int(),
    timedOut: z.int(),
    invalid: z.int(),
    aborted: z.int(),
    missing: z.int(),
  }),
  voidedRounds: z.array(z.strictObject({ round: z.int(), reasons: z.array(z.string()) })),
  parity: z
    .array(
      z.strictObject({ what: z.string(), values: z.record(z.string(), z.string()), matches: z.boolean() }),
    )
    .meta({ description: 'inside facts by arm: equal or not' }),
  stopping: z
    .array(stopSchema)
    .optional()
    .meta({ description: 'adaptive runs, and runs that a gate ended before their last round' }),
  factors: z.array(factorSchema).optional().meta({ description: 'factorial runs only' }),
  gaps: z.array(gapSchema).optional(),
  noiseFloor: z.array(noiseFloorSchema).optional().meta({ description: 'runs with a control arm only' }),
  warnings: z.array(z.string()),
});
export type Summary = z.infer<typeof summarySchema>;
