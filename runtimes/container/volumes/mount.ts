import * as z from 'zod';
import type { OciMount } from '../spec/oci-spec.ts';

/** A mount that was asked for, with its source settled. */
export const containerMountSchema = z.object({
  type: z.enum(['bind', 'volume', 'tmpfs']),
  destination: z.string().startsWith('/'),
  /** Folder or file of the host; for a volume its folder, for tmpfs empty. */
  source: z.string(),
  options: z.array(z.string()),
  /** Name of the volume, where it is one. */
  volume: z.string().nullable(),
  /** Made for this container alone and removed with it. */
  anonymous: z.boolean(),
  /** What the image has at the destination is copied into a volume that is empty. */
  copy: z.boolean(),
});
export type ContainerMount = z.infer<typeof containerMountSchema>;

/** As the configuration has it. */
export function ociMount(mount: ContainerMount): OciMount {
  const { destination, source, options } = mount;
  return mount.type === 'tmpfs'
    ? { destination, type: 'tmpfs', source: 'tmpfs', options }
    : { destination, type: 'bind', source, options };
}

export function isReadOnly(mount: ContainerMount): boolean {
  return mount.options.includes('ro');
}
