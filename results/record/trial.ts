import * as z from 'zod';
import { sampleSchema } from './metric.ts';

/** What the inside of the box sees. Compared between arms: a mismatch is shown, and can be made to refuse. */
export const insideSchema = z.strictObject({
  nproc: z.int(),
  memTotalMiB: z.number(),
  cpuModel: z.string(),
  cpuFlagsHash: z.string(),
  cpuFlagCount: z.int(),
  clocksource: z.string(),
  virtualization: z.string().meta({ description: "'none', 'kvm', 'tcg', … as the inside can tell" }),
  kernel: z.string(),
  memoryLimitMiB: z
    .number()
    .nullable()
    .meta({ description: 'the limit the box runs under, where it is a limit' }),
  tools: z
    .record(z.string(), z.string())
    .meta({ description: 'tool name → sha256 of its bytes, read from inside' }),
});
export type Inside = z.infer<typeof insideSchema>;

/** Evidence that the host interfered, taken just before and just after the timed window. Times in ms of CPU time. */
export const disturbanceSchema = z.strictObject({
  windowMs: z.number().meta({ description: 'wall time of the timed window' }),
  stealMs: z.number().meta({ description: 'stolen from the measured CPUs' }),
  measuredBusyMs: z.number().meta({ description: 'busy time of the measured CPUs, all processes' }),
  foreignMs: z.number().meta({
    description:
      'user-mode time of the measured CPUs that was not the instance: the larger of 0 and the difference',
  }),
  harnessCpuMs: z.number().meta({ description: "the harness's own user+system time in the window" }),
  load1: z.number(),
  cpuPressureUs: z
    .number()
    .nullable()
    .meta({ description: 'rise of /proc/pressure/cpu some total; null where the kernel has none' }),
  ioPressureUs: z.number().nullable(),
  memoryPressureUs: z.number().nullable(),
  throttledMs: z.number().nullable().meta({
    description:
      "rise of the box's own cgroup throttled time, by a quota the matrix gave; null where not read",
  }),
  runQueuePerCpu: z.number().nullable().optional().meta({
    description:
      "others' tasks ready to run per CPU of the machine: the smaller of the counts just before and just after",
  }),
  thermalEvents: z.number().nullable().optional().meta({
    description: 'rise of the thermal throttle counters of the measured CPUs; null where the kernel has none',
  }),
  runThrottledMs: z.number().nullable().optional().meta({
    description:
      'rise of the throttled time of the cgroups that hold the run, by quotas that are not of the matrix',
  }),
});
export type Disturbance = z.infer<typeof disturbanceSchema>;

/** The inside clock against the host's stopwatch. */
export const clockCheckSchema = z.strictObject({
  insideMs: z.number(),
  hostMs: z.number(),
  uncertaintyMs: z.number().meta({ description: 'half the width of what the two readings cannot tell' }),
  drift: z.number().meta({
    description: 'how far the inside clock is off beyond the uncertainty, as a ratio; 0 when it agrees',
  }),
});
export type ClockCheck = z.infer<typeof clockCheckSchema>;

/** What the instance cost the host, as the host sees it. */
export const hostCostSchema = z.strictObject({
  cpuMs: z
    .number()
    .meta({ description: 'CPU time of everything the instance runs, emulator threads included' }),
  cpuUserMs: z.number().nullable().optional().meta({ description: 'the user-mode part of cpuMs' }),
  memoryPssBytes: z
    .number()
    .nullable()
    .meta({ description: 'proportional set size of its processes, page cache excluded' }),
  memoryCgroupBytes: z
    .number()
    .nullable()
    .meta({ description: 'what its cgroup is charged, page cache included' }),
  ioReadBytes: z.number().nullable(),
  ioWriteBytes: z.number().nullable(),
  diskBytes: z
    .number()
    .nullable()
    .meta({ description: 'bytes allocated on the host for its writable storage' }),
});
export type HostCost = z.infer<typeof hostCostSchema>;

/** The steps of a trial's life, in order. */
export const stepSchema = z.enum(['start', 'inspect', 'setup', 'run', 'teardown', 'destroy']);
export type Step = z.infer<typeof stepSchema>;

const failureFields = {
  step: stepSchema,
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  log: z.string().nullable().meta({ description: "path inside the run folder of the tools' own words" }),
};

/** How a trial ended. Only `completed` carries samples. */
export const outcomeSchema = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('completed'), samples: z.array(sampleSchema).min(1) }),
  z.strictObject({ status: z.literal('failed'), ...failureFields }),
  z.strictObject({ status: z.literal('timed-out'), ...failureFields, limitMs: z.number() }),
  z.strictObject({
    status: z.literal('invalid'),
    reasons: z.array(z.string()).min(1),
    observed: z.array(sampleSchema).meta({ description: 'what was read; kept, shown as void, never used' }),
  }),
  z.strictObject({ status: z.literal('aborted'), step: stepSchema, reason: z.string() }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** One line of trials.jsonl. */
export const trialRecordSchema = z.strictObject({
  schema: z.literal('tare.trial/1'),
  trial: z.string().meta({ description: "'r<round>-<cell id>', the name of its log folder" }),
  round: z.int().min(0),
  position: z.int().min(0).meta({ description: 'place within the round' }),
  cell: z.string(),
  arm: z.string(),
  workload: z.string(),
  startedAt: z.iso.datetime(),
  offsetMs: z.number().meta({ description: 'start on the run clock, for the time line' }),
  stepsMs: z.partialRecord(stepSchema, z.number()).meta({ description: 'wall time of each step that ran' }),
  outcome: outcomeSchema,
  cost: z.strictObject({ idle: hostCostSchema.nullable(), run: hostCostSchema.nullable() }).meta({
    description: 'idle: after start; run: rise (CPU, I/O) or level (memory, disk) over the timed window',
  }),
  disturbance: disturbanceSchema.nullable(),
  clock: clockCheckSchema.nullable(),
  inside: insideSchema.nullable(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).meta({
    description: 'what the runtime says of this instance: accelerator, disk sizes, boot phases …',
  }),
});
export type TrialRecord = z.infer<typeof trialRecordSchema>;
