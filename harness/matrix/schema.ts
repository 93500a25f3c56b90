import * as z from 'zod';
import { parseSize } from '../../workloads/size.ts';
import { MATRIX_DEFAULTS } from './defaults.ts';

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'an id has lower-case letters, digits, ".", "_" and "-", 63 at most');

const options = z.record(z.string(), z.unknown());

const axes = z
  .record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean()])).min(1))
  .meta({ description: 'option → values: every combination becomes an arm (or workload) of its own' });

/** A share of one, written as a number (0.01) or in per cent ("1 %"). */
export const shareSchema = z.union([
  z.number().min(0),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*%$/, 'a share is a number such as 0.01 or a text such as "1 %"')
    .transform((text) => Number(text.replace('%', '').trim()) / 100),
]);

/** A length of time in ms, written as seconds (90) or as a text such as "20 min". */
const durationSchema = z.union([
  z
    .number()
    .gt(0)
    .transform((seconds) => seconds * 1000),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*(s|min|h)$/, 'a time is seconds (90) or a text such as "90 s", "20 min", "1.5 h"')
    .transform((text) => {
      const unit = /[a-z]+$/.exec(text)?.[0] ?? 's';
      return Number.parseFloat(text) * { s: 1000, min: 60_000, h: 3_600_000 }[unit as 's' | 'min' | 'h'];
    }),
]);

const memorySchema = z.string().transform((text, context) => {
  try {
    return Math.floor(parseSize(text) / 2 ** 20);
  } catch {
    context.addIssue({ code: 'custom', message: 'memory is a size such as 512MiB or 2GiB' });
    return z.NEVER;
  }
});

const entry = {
  label: z.string().min(1).max(200).optional(),
  options: options.optional(),
  axes: axes.optional(),
};

/** The matrix file: what should be compared. Strict: an unknown key is an error, never ignored. */
export const matrixFileSchema = z.strictObject({
  name: id.optional().meta({ description: "default: the file's name" }),
  title: z.string().min(1).max(200).optional(),
  description: z.string().max(5000).optional(),
  baseline: id
    .optional()
    .meta({ description: 'the arm that overheads are relative to; default: the first runtime' }),
  seed: z.union([z.string().min(1).max(100), z.number()]).optional(),
  resources: z
    .strictObject({
      cpus: z.int().min(1).default(MATRIX_DEFAULTS.cpus),
      memory: memorySchema.default(MATRIX_DEFAULTS.memoryMiB),
      cpuset: z.array(z.int().min(0)).min(1).optional().meta({ description: 'host CPUs to measure on' }),
    })
    .optional(),
  control: z.boolean().optional().meta({
    description:
      'adds the baseline a second time, as an A/A arm: its "overhead" is the noise floor of this run',
  }),
  runtimes: z.record(id, z.strictObject({ runtime: z.string().min(1).optional(), ...entry }).nullable()),
  workloads: z.record(
    id,
    z
      .strictObject({
        workload: z.string().min(1).optional(),
        ...entry,
        published: z
          .array(z.string())
          .optional()
          .meta({ description: 'ids of published numbers to set beside ours' }),
      })
      .nullable(),
  ),
  trials: z
    .strictObject({
      rounds: z.int().min(1).max(10_000).optional().meta({ description: 'a fixed number of rounds' }),
      min: z
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .meta({ description: 'rounds before the first look at precision' }),
      max: z
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .meta({ description: 'rounds after which the run ends in any case' }),
      precision: shareSchema
        .optional()
        .meta({ description: "target half-width of every overhead's interval" }),
      budget: durationSchema
        .optional()
        .meta({ description: 'wall time after which no further round begins' }),
      spare: z.int().min(0).max(1000).optional().meta({ description: 'rounds that may replace voided ones' }),
      timeout: z
        .number()
        .gt(0)
        .default(MATRIX_DEFAULTS.trialTimeoutS)
        .meta({ description: 'seconds for one trial' }),
    })
    .optional(),
  policy: z
    .strictObject({
      margin: shareSchema.default(MATRIX_DEFAULTS.margin),
      confidence: z.number().gt(0.5).lt(1).default(MATRIX_DEFAULTS.confidence),
      maxSteal: shareSchema.default(MATRIX_DEFAULTS.maxStealShare),
      maxForeignCpu: shareSchema.default(MATRIX_DEFAULTS.maxForeignCpuShare),
      maxRunQueue: z.number().min(0).default(MATRIX_DEFAULTS.maxRunQueue).meta({
        description: "others' tasks ready to run per CPU of the machine above which a round is void",
      }),
      maxThermalEvents: z.int().min(0).default(MATRIX_DEFAULTS.maxThermalEvents).meta({
        description: 'thermal throttle events of the measured CPUs in a window above which a round is void',
      }),
      maxThrottled: shareSchema.default(MATRIX_DEFAULTS.maxThrottledShare).meta({
        description: "share of a window that a quota not of the matrix's making may stop the run",
      }),
      maxClockDrift: shareSchema.default(MATRIX_DEFAULTS.maxClockDrift),
      refuseParityMismatch: z.boolean().default(MATRIX_DEFAULTS.refuseParityMismatch),
    })
    .optional(),
});
export type MatrixFile = z.infer<typeof matrixFileSchema>;
