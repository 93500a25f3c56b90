import * as z from 'zod';
import { digestSchema } from './digest.ts';

/** A platform of an index entry; unknown keys are kept out on purpose (`os.features` is not used by us). */
export const platformSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  'os.version': z.string().optional(),
});
export type Platform = z.infer<typeof platformSchema>;

/** A pointer to content: type, digest, size. Foreign keys are dropped: they come from other people's registries. */
export const descriptorSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: platformSchema.optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;
