import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { isUnified } from '../../cgroup/layout.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { limitsOfResources } from '../../cgroup/oci-resources.ts';
import { readNumber } from '../../cgroup/read-cost.ts';
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
  makeRoom(cgroup, limits);
  cgroup.setLimits(limits);
  return cgroup.notes;
}

/** On v1 memory may never exceed memory and swap together, so that a raise begins with the latter. */
function makeRoom(cgroup: Cgroup, limits: CgroupLimits): void {
  if (isUnified(cgroup.layout) || limits.memoryBytes === undefined) return;
  const file = join(cgroup.folder('memory') ?? '/nonexistent', 'memory.memsw.limit_in_bytes');
  const together = limits.memorySwapBytes ?? limits.memoryBytes;
  if ((readNumber(file) ?? Infinity) < together) writeFileSync(file, String(together));
}
