import * as z from 'zod';
import { cellSummarySchema, comparisonSchema } from './summary.ts';

/** What `bench analyze` answers about anyone's numbers. */
export const analysisSchema = z.strictObject({
  schema: z.literal('tare.analysis/1'),
  source: z.string(),
  observations: z.int(),
  baseline: z.string(),
  margin: z.number(),
  confidence: z.number(),
  cells: z.array(cellSummarySchema),
  comparisons: z.array(comparisonSchema),
  warnings: z.array(z.string()),
});
export type Analysis = z.infer<typeof analysisSchema>;
