import * as z from 'zod';
import { metricSchema } from './metric.ts';

/** What every instance of the run is given. */
export const resourcesSchema = z.strictObject({
  cpus: z.int().min(1).meta({ description: 'number of CPUs each instance gets' }),
  memoryMiB: z.int().min(1).meta({ description: 'memory limit, or guest RAM, in MiB' }),
  cpuset: z
    .array(z.int().min(0))
    .meta({ description: 'host CPUs the measured work runs on, one per CPU given' }),
  housekeeping: z
    .array(z.int().min(0))
    .meta({ description: 'host CPUs for the harness, peers and emulator threads' }),
});
export type Resources = z.infer<typeof resourcesSchema>;

/** Something exchangeable that an arm ran on: which emulator, which kernel, which launcher, which image. */
export const partSchema = z.strictObject({
  path: z.string().meta({ description: 'file on the host, or name in the image store' }),
  version: z.string().nullable().meta({ description: "in its own words, e.g. 'QEMU 7.2.22 (Debian …)'" }),
  sha256: z.string().meta({ description: "hex, of the file's bytes; of an image its digest" }),
  chosen: z
    .boolean()
    .meta({ description: "named by the arm's options: under test, so another one is no accident" }),
});
export type Part = z.infer<typeof partSchema>;

/** One runtime configuration. `id` is the user's name for it; `label` is what pages print. */
export const armSchema = z.strictObject({
  id: z.string().min(1),
  label: z.string().min(1),
  runtime: z.string().min(1).meta({ description: 'id in the runtimes catalog' }),
  options: z.record(z.string(), z.unknown()),
  caveats: z
    .array(z.string())
    .meta({ description: "said beside every number of this arm, e.g. 'emulated (TCG)', 'slirp network'" }),
  emulated: z
    .boolean()
    .meta({ description: 'true when a CPU is emulated in software: never called VM overhead' }),
  parts: z
    .record(z.string(), partSchema)
    .optional()
    .meta({ description: 'emulator, kernel, launcher, image → which one it was; absent in older runs' }),
});
export type Arm = z.infer<typeof armSchema>;

/** One workload configuration. */
export const plannedWorkloadSchema = z.strictObject({
  id: z.string().min(1),
  label: z.string().min(1),
  workload: z.string().min(1).meta({ description: 'id in the workloads catalog' }),
  options: z.record(z.string(), z.unknown()),
  metrics: z.array(metricSchema).min(1),
  caveats: z.array(z.string()),
  seconds: z.number().min(0).meta({ description: 'expected length of the timed window, for the estimate' }),
  published: z
    .array(z.string())
    .meta({ description: 'ids in results/published that measure the same thing' }),
});
export type PlannedWorkload = z.infer<typeof plannedWorkloadSchema>;

export const cellSchema = z.strictObject({
  id: z.string().min(1),
  arm: z.string().min(1),
  workload: z.string().min(1),
});
export type Cell = z.infer<typeof cellSchema>;

/** The rules of the run, fixed before the first trial. Every threshold's source stands in harness/plan/defaults.ts. */
export const policySchema = z.strictObject({
  margin: z.number().gt(0).meta({ description: 'equivalence margin as a ratio: 0.01 is ±1 %' }),
  confidence: z.number().gt(0.5).lt(1),
  trialTimeoutS: z.number().gt(0),
  maxStealShare: z
    .number()
    .min(0)
    .max(1)
    .meta({ description: 'steal / wall on the measured CPUs above which a round is void' }),
  maxClockDrift: z
    .number()
    .gt(0)
    .meta({ description: '|inside clock / host stopwatch − 1| above which a trial fails' }),
  maxForeignCpuShare: z
    .number()
    .min(0)
    .meta({ description: "others' CPU time on the measured CPUs / wall above which a round is void" }),
  maxRunQueue: z.number().min(0).optional().meta({
    description:
      "others' tasks ready to run, per CPU of the machine, before and after the window, above which a round is void",
  }),
  maxThermalEvents: z.int().min(0).optional().meta({
    description: 'thermal throttle events of the measured CPUs above which a round is void',
  }),
  maxThrottledShare: z.number().min(0).optional().meta({
    description:
      "time stopped by quotas on the cgroups that hold the run (not the box's own) / wall above which a round is void",
  }),
  refuseParityMismatch: z.boolean(),
});
export type Policy = z.infer<typeof policySchema>;

/** When the run may end before its last round. Absent: every planned round is run. */
export const stoppingSchema = z.strictObject({
  min: z.int().min(1).meta({ description: 'rounds before the first look' }),
  max: z.int().min(1).meta({ description: 'rounds after which it ends in any case; equals rounds' }),
  precision: z
    .number()
    .gt(0)
    .meta({ description: "target half-width of each overhead's interval, as a ratio: 0.01 is ±1 %" }),
  budgetMs: z.number().gt(0).nullable().meta({ description: 'wall time after which no round begins' }),
});
export type Stopping = z.infer<typeof stoppingSchema>;

/** plan.json: what will be run and in what order; on disk before the first trial. */
export const planSchema = z.strictObject({
  schema: z.literal('tare.plan/1'),
  runId: z.string().min(1),
  tareVersion: z.string(),
  createdAt: z.iso.datetime(),
  name: z.string().min(1),
  title: z.string().min(1),
  command: z.string().meta({ description: 'the command that repeats this run, seed included' }),
  seed: z.string().min(1),
  hash: z
    .string()
    .meta({ description: 'sha256 of the canonical JSON of everything that decides what is run' }),
  baseline: z.string().meta({ description: 'arm id the overheads are relative to' }),
  resources: resourcesSchema,
  arms: z.array(armSchema).min(1),
  workloads: z.array(plannedWorkloadSchema).min(1),
  cells: z.array(cellSchema).min(1),
  rounds: z.int().min(1),
  order: z
    .array(z.array(z.string()))
    .meta({ description: 'order[r] = cell ids of round r, in the order they run' }),
  policy: policySchema,
  stopping: stoppingSchema.optional(),
  control: z.string().optional().meta({
    description: 'id of a second arm equal to the baseline: what it shows is noise',
  }),
  image: z
    .strictObject({ digest: z.string(), suite: z.string(), packages: z.record(z.string(), z.string()) })
    .nullable(),
});
export type Plan = z.infer<typeof planSchema>;
