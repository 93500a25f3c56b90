import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import { GATE_ALPHA, GATE_LOOKS, GATE_TOLERANCE } from '../../results/statistics/defaults.ts';
import { matrixError } from '../matrix/problem.ts';
import { shareSchema } from '../matrix/schema.ts';
import { check } from '../matrix/schema-problems.ts';
import { parsePositioned } from '../matrix/yaml-position.ts';

const metricName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]*\.[a-z0-9_]+$/,
    'a metric is named <workload>.<metric>, e.g. cpu.events_per_second',
  );

/** bench.gate.yaml. Strict: an unknown key is an error, never ignored. */
export const gateFileSchema = z.strictObject({
  tolerance: shareSchema.default(GATE_TOLERANCE).meta({ description: 'of every metric not named below' }),
  alpha: z.number().gt(0).max(0.2).default(GATE_ALPHA),
  looks: z
    .array(z.int().min(6).max(10_000))
    .min(1)
    .default([...GATE_LOOKS])
    .refine(
      (looks) => looks.every((rounds, i) => i === 0 || rounds > (looks[i - 1] ?? 0)),
      'looks must ascend',
    )
    .meta({ description: 'rounds after which the gate looks; it ends at the last' }),
  onInconclusive: z
    .enum(['inconclusive', 'fail', 'pass', 'warn'])
    .default('inconclusive')
    .meta({ description: 'how an inconclusive gate ends; by default with an exit code of its own, 3' }),
  metrics: z
    .record(
      metricName,
      z.strictObject({
        tolerance: shareSchema.optional(),
        ignore: z.boolean().optional(),
        required: z.boolean().optional().meta({ description: 'fail when the run does not have it' }),
      }),
    )
    .default({}),
  budgets: z
    .array(
      z.strictObject({
        metric: metricName,
        arm: z.string().min(1),
        baseline: z.string().min(1),
        atMost: z
          .number()
          .gte(1)
          .max(1e6)
          .meta({ description: 'cost ratio: 1.01 is 1 % overhead, 2 is twice' }),
      }),
    )
    .default([])
    .meta({ description: 'absolute budgets on the overhead of one arm over another' }),
});
export type GateConfig = z.infer<typeof gateFileSchema>;

/** The gate's rules, every default filled in. `gate-config-unreadable`; `gate-config-invalid` with file:line:col. */
export async function loadGateConfig(file: string | null): Promise<GateConfig> {
  if (file === null) return gateFileSchema.parse({});
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BenchError('gate-config-unreadable', `cannot read ${file}`, { cause });
  });
  return parseGateConfig(text, file);
}

/** As loadGateConfig, on a text. */
export function parseGateConfig(text: string, file: string): GateConfig {
  const yaml = parsePositioned(text);
  const syntax = yaml.errors[0];
  const invalid = (error: BenchError): BenchError =>
    new BenchError('gate-config-invalid', error.message, {
      hint: 'docs/gate.md shows every key',
      cause: error,
    });
  if (syntax) throw invalid(matrixError(file, [{ path: [], message: syntax.message }], () => syntax.at));
  const checked = check(gateFileSchema, yaml.value ?? {});
  if (checked.problems)
    throw invalid(matrixError(file, checked.problems, (problem) => yaml.locate(problem.path, problem.atKey)));
  return checked.value;
}
