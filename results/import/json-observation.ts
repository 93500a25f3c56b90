import * as z from 'zod';
import { BenchError } from '../bench-error.ts';
import type { Observation } from '../statistics/series.ts';
import { badObservation, UNNAMED_WORKLOAD } from './observation-error.ts';

const rowSchema = z.strictObject({
  schema: z.literal('tare.observation/1').optional(),
  round: z.number(),
  arm: z.string().min(1),
  metric: z.string().min(1),
  value: z.number(),
  unit: z.string().default(''),
  better: z.enum(['higher', 'lower']).optional(),
  workload: z.string().min(1).default(UNNAMED_WORKLOAD),
  position: z.number().optional(),
});

/** One line of JSON as an observation; `directed` is false when it does not say which direction is better. */
export function jsonObservation(
  text: string,
  place: string,
  line: number,
): { observation: Observation; directed: boolean } {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (cause) {
    throw badObservation(place, line, `not JSON: ${(cause as Error).message}`);
  }
  const schema = (row as { schema?: unknown } | null)?.schema;
  if (schema === 'tare.trial/1')
    throw new BenchError(
      'bad-observation',
      `${place}:${line}: this is the journal of a run, not observations`,
      {
        hint: 'bench report RUN summarises it; bench compare RUN_A RUN_B sets two side by side',
      },
    );
  if (typeof schema === 'string' && schema !== 'tare.observation/1')
    throw new BenchError(
      'newer-schema',
      `${place}:${line}: ${schema} is not known here (this version reads tare.observation/1)`,
      { hint: 'read it with the version that wrote it, or a later one' },
    );
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badObservation(place, line, `${issue?.path.join('.') || 'the line'}: ${issue?.message}`);
  }
  const { round, arm, metric, value, unit, better, workload, position } = parsed.data;
  return {
    observation: { round, arm, metric, value, unit, better: better ?? 'lower', workload, position },
    directed: better !== undefined,
  };
}
