import * as z from 'zod';
import { digestSchema } from './digest.ts';

/** Go's JSON writes empty slices and maps as null; both spellings mean "nothing". */
function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((value) => value ?? undefined);
}
const names = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => (value ? Object.fromEntries(Object.keys(value).map((key) => [key, {}])) : undefined));
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

/** Keys that may be undefined may also be left out. */
type Loose<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: T[K] } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** Docker's HEALTHCHECK, noted in the config and carried along; durations are in nanoseconds. */
export const healthcheckSchema = z.object({
  Test: z.array(z.string()).optional(),
  Interval: z.int().nonnegative().optional(),
  Timeout: z.int().nonnegative().optional(),
  StartPeriod: z.int().nonnegative().optional(),
  StartInterval: z.int().nonnegative().optional(),
  Retries: z.int().nonnegative().optional(),
});
export type Healthcheck = z.infer<typeof healthcheckSchema>;

/** What a container of the image runs as; key names are the specification's. */
export const processConfigSchema = z.object({
  User: text,
  ExposedPorts: names,
  Env: list(z.string()),
  Entrypoint: list(z.string()),
  Cmd: list(z.string()),
  Volumes: names,
  WorkingDir: text,
  Labels: z
    .record(z.string(), z.string())
    .nullish()
    .transform((value) => value ?? undefined),
  StopSignal: text,
  Shell: list(z.string()),
  Healthcheck: healthcheckSchema.nullish().transform((value) => value ?? undefined),
  OnBuild: list(z.string()),
});
export type ProcessConfig = Loose<z.infer<typeof processConfigSchema>>;

export const historySchema = z.object({
  created: text,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: z.boolean().optional(),
});
export type History = Loose<z.infer<typeof historySchema>>;

/** The image configuration (OCI image specification, config.md; Docker's is the same with more keys, which are dropped). */
export const imageConfigSchema = z.object({
  created: text,
  author: text,
  architecture: z.string(),
  os: z.string(),
  variant: text,
  config: processConfigSchema.nullish().transform((value) => value ?? {}),
  rootfs: z.object({
    type: z.literal('layers'),
    diff_ids: list(digestSchema).transform((value) => value ?? []),
  }),
  history: list(historySchema),
});
export type ImageConfig = Loose<Omit<z.infer<typeof imageConfigSchema>, 'config' | 'history'>> & {
  config: ProcessConfig;
  history?: History[];
};

/** Node's name of this machine's architecture, in the specification's (Go's) words. */
export function hostArchitecture(arch: string = process.arch): string {
  return { x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm' }[arch] ?? arch;
}
