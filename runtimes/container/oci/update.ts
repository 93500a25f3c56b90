import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { limitsOfResources } from '../../cgroup/oci-resources.ts';
import { raiseSwapFirst } from '../../cgroup/raise-limits.ts';
import { ociSpecSchema, type OciResources } from '../spec/oci-spec.ts';
import type { StateRoot } from './state.ts';
import { currentStatus } from './status.ts';

/** The resources part of an OCI configuration, as `update --resources` takes it. */
const resourcesSchema = ociSpecSchema.shape.linux.unwrap().unwrap().shape.resources;

/** JSON text → resources. */
export function parseResources(text: string): OciResources {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch (cause) {
    throw new BenchError('oci-resources', `the resources are not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const parsed = resourcesSchema.safeParse(told);
  if (!parsed.success)
    throw new BenchError('oci-resources', `these are no OCI resources:\n${z.prettifyError(parsed.error)}`);
  return parsed.data ?? {};
}

/** Changes the limits of a container while it runs. Hands back what this kernel could not do. */
export function updateContainer(root: StateRoot, id: string, resources: OciResources): string[] {
  const state = root.read(id);
  if (currentStatus(root, state) === 'stopped')
    throw new BenchError('oci-state', `container not running: ${id}`);
  const cgroup = new Cgroup(state.cgroupPath);
  const limits = limitsOfResources(resources);
  raiseSwapFirst(cgroup, limits);
  cgroup.setLimits(limits);
  return cgroup.notes;
}
