import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import { qemuOptionsSchema, type QemuOptions } from '../../runtimes/qemu/options.ts';
import type { Catalog } from '../catalog.ts';
import type { HostLimits } from '../matrix/load-matrix.ts';
import { loadMatrix } from '../matrix/load-matrix.ts';
import { chooseCpus } from '../plan/choose-cpus.ts';
import { findMatrix } from '../run/find-matrix.ts';

/** The options and resources that an arm of a matrix gives its machines: what is booted is what is measured. */
export async function armOfMatrix(
  matrixName: string,
  armId: string | undefined,
  catalog: Catalog,
  host: HostLimits,
): Promise<{ options: QemuOptions; resources: Resources }> {
  const matrix = await loadMatrix(findMatrix(matrixName), catalog, host);
  const machines = matrix.arms.filter(({ runtime }) => runtime === 'qemu');
  const names = machines.map(({ id }) => id).join(', ') || 'none';
  const arm =
    armId === undefined && machines.length === 1 ? machines[0] : machines.find(({ id }) => id === armId);
  if (!arm)
    throw new BenchError(
      'vm-arm',
      armId === undefined
        ? `${matrix.name} has ${machines.length} virtual machines: which one?`
        : `${matrix.name} has no virtual machine "${armId}"`,
      { hint: `--arm, one of: ${names}` },
    );
  const { cpus, memoryMiB, cpuset } = matrix.resources;
  return {
    options: qemuOptionsSchema.parse(arm.options),
    resources: { cpus, memoryMiB, ...chooseCpus(host.cpus, cpus, cpuset) },
  };
}
