import type { ZodType } from 'zod';
import { analysisSchema } from '../record/analysis.ts';
import { gateSchema } from '../record/gate.ts';
import { historyPointSchema } from '../record/history.ts';
import { hostRecordSchema } from '../record/host.ts';
import { planSchema } from '../record/plan.ts';
import { replicationSchema } from '../record/replication.ts';
import { summarySchema } from '../record/summary.ts';
import { trialRecordSchema } from '../record/trial.ts';

/** The records whose JSON Schemas are published beside this file, by file name. One line for each new record. */
export const publishedSchemas: Record<string, ZodType> = {
  plan: planSchema,
  host: hostRecordSchema,
  trial: trialRecordSchema,
  summary: summarySchema,
  analysis: analysisSchema,
  gate: gateSchema,
  history: historyPointSchema,
  replication: replicationSchema,
};
