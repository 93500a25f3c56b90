import * as z from 'zod';
import { ociSpecSchema } from './oci-spec.ts';

/** What oci-spec.schema.json must hold: the configuration's schema as data. */
export function configJsonSchema(): string {
  return JSON.stringify(z.toJSONSchema(ociSpecSchema, { io: 'input' }), null, 1) + '\n';
}
