import type { OciResources } from '../container/spec/oci-spec.ts';
import { DEFAULT_DEVICE_RULES, type DeviceRule } from './device-rules.ts';
import type { CgroupLimits } from './limits.ts';

/** What OCI's `linux.resources` asks, as our limits. Pure. */
export function limitsOfResources(resources: OciResources): CgroupLimits {
  const { cpu, memory, pids, blockIO } = resources;
  const limits: CgroupLimits = {};
  if (cpu?.cpus) limits.cpuset = parseCpuList(cpu.cpus);
  if (cpu?.mems) limits.cpusetMems = cpu.mems;
  if (cpu?.shares) limits.cpuShares = cpu.shares;
  if (cpu?.quota && cpu.quota > 0) {
    limits.cpuPeriodUs = cpu.period ?? 100_000;
    limits.cpus = cpu.quota / limits.cpuPeriodUs;
  }
  if (memory?.limit && memory.limit > 0) limits.memoryBytes = memory.limit;
  if (memory?.swap && memory.swap > 0) limits.memorySwapBytes = memory.swap;
  if (memory?.reservation && memory.reservation > 0) limits.memoryReservationBytes = memory.reservation;
  if (typeof pids?.limit === 'number' && pids.limit > 0) limits.pids = pids.limit;
  if (blockIO?.weight) limits.blkioWeight = blockIO.weight;
  const throttles = (
    [
      ['rbps', blockIO?.throttleReadBpsDevice],
      ['wbps', blockIO?.throttleWriteBpsDevice],
      ['riops', blockIO?.throttleReadIOPSDevice],
      ['wiops', blockIO?.throttleWriteIOPSDevice],
    ] as const
  ).flatMap(([kind, list]) => (list ?? []).map(({ major, minor, rate }) => ({ kind, major, minor, rate })));
  if (throttles.length > 0) limits.deviceLimits = throttles;
  if (resources.unified && Object.keys(resources.unified).length > 0) limits.unified = resources.unified;
  return limits;
}

/** The device rules asked for, then the defaults every container has; null when nothing was said about devices. */
export function deviceRulesOf(resources: OciResources): DeviceRule[] | null {
  const asked = resources.devices ?? [];
  return asked.length === 0 ? null : [...asked, ...DEFAULT_DEVICE_RULES];
}

/** 0-2,5 → [0, 1, 2, 5] */
export function parseCpuList(text: string): number[] {
  return text
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
