import type { Op } from '../../launch/ops.ts';

/**
 * Who puts the container into its cgroup. The child does it itself where it may: a thread that moves itself on v1 spares
 * the kernel's wait for a grace period (5–14 ms; launch/c/op-namespace.c says why). In a user namespace it is nobody to
 * the host's cgroup files, so there the waiting parent attaches it. What else is done to the cgroup (the device program
 * of v2) stays with the parent. Pure.
 */
export function cgroupOps(attachOps: readonly Op[], userNamespace: boolean): { parent: Op[]; child: Op[] } {
  if (userNamespace) return { parent: [...attachOps], child: [] };
  return {
    parent: attachOps.filter((each) => each.op !== 'attach-child'),
    child: attachOps.flatMap((each) =>
      each.op === 'attach-child' ? [{ op: 'join-cgroup', directory: each.directory } as const] : [],
    ),
  };
}
