import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { ociSpecSchema, type OciSpec } from './oci-spec.ts';

/** What a config.json holds → configuration, parsed once, at the door. @throws BenchError `bundle-invalid`, a line per problem. */
export function parseConfig(told: unknown, file: string): OciSpec {
  const parsed = ociSpecSchema.safeParse(told);
  if (!parsed.success)
    throw new BenchError(
      'bundle-invalid',
      `${file} is no OCI configuration:\n${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}
