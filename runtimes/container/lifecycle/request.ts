import * as z from 'zod';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { portSchema } from '../networks/ports.ts';
import { containerMountSchema } from '../volumes/mount.ts';

/**
 * What a person asked for, with the image already unpacked and every volume named. Kept with the container, so that it can be
 * started again as it was made.
 */
export const createRequestSchema = z.object({
  name: z.string().optional(),
  imageName: z.string(),
  /** Lowest first. */
  layers: z.array(z.string()),
  argv: z.array(z.string()),
  env: z.array(z.string()),
  cwd: z.string(),
  user: z.string(),
  hostname: z.string().optional(),
  /** none, host, container:NAME, or the name of a network. */
  network: z.string(),
  /** Further names on its network. */
  aliases: z.array(z.string()).default([]),
  /** Lines of /etc/hosts: name:address. */
  extraHosts: z.array(z.string()).default([]),
  /** Name servers in place of the host's. */
  dns: z.array(z.string()).default([]),
  /** Translated to the host's address on the way out, also where its network is not. */
  nat: z.boolean().default(false),
  ports: z.array(portSchema),
  mounts: z.array(containerMountSchema),
  limits: z.custom<CgroupLimits>((value) => typeof value === 'object' && value !== null),
  capAdd: z.array(z.string()),
  capDrop: z.array(z.string()),
  privileged: z.boolean(),
  readonlyRoot: z.boolean(),
  terminal: z.boolean(),
  interactive: z.boolean(),
  autoRemove: z.boolean(),
  stopSignal: z.string(),
  seccompUnconfined: z.boolean(),
  labels: z.record(z.string(), z.string()).default({}),
  size: z.object({ rows: z.int(), columns: z.int() }).optional(),
});
export type StoredRequest = z.infer<typeof createRequestSchema>;

/** The same with where compiled programs are kept. */
export type CreateRequest = StoredRequest & { cacheDir: string };
