import * as z from 'zod';

/** The machine, as it was at one moment. */
export const machineSchema = z.strictObject({
  takenAt: z.iso.datetime(),
  fingerprint: z.string().meta({ description: 'sha256 over what must match for numbers to be comparable' }),
  system: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).meta({
    description:
      'cpu, cores, memory, disk, os, kernel, virtualisation, governor, cgroup layout … flat and printable',
  }),
  load1: z.number(),
});
export type Machine = z.infer<typeof machineSchema>;

/** host.json: the machine before and after, and what each runtime's probe said. */
export const hostRecordSchema = z.strictObject({
  schema: z.literal('tare.host/1'),
  before: machineSchema,
  after: machineSchema.nullable(),
  tools: z.record(z.string(), z.string()).meta({ description: 'host tool → version' }),
  accelerator: z
    .strictObject({ asked: z.string(), got: z.string(), reason: z.string() })
    .nullable()
    .meta({ description: 'the KVM verdict with its reason; null when no arm needed one' }),
});
export type HostRecord = z.infer<typeof hostRecordSchema>;
