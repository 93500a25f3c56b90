import { isUnified, type CgroupLayout, type Controller } from './layout.ts';

/** What a cgroup may use. Everything is optional; what is absent is not limited. */
export interface CgroupLimits {
  /** CPUs its processes may run on. */
  cpuset?: readonly number[];
  cpusetMems?: string;
  memoryMiB?: number;
  memoryBytes?: number;
  /** Memory plus swap, bytes; without it a memory limit also forbids swapping past it. */
  memorySwapBytes?: number;
  memoryReservationBytes?: number;
  pids?: number;
  /** CPU time per wall time, e.g. 1.5; a quota over `cpuPeriodUs`. */
  cpus?: number;
  cpuPeriodUs?: number;
  /** Relative share, 2–262144 as on v1 (1024 is one usual share). */
  cpuShares?: number;
  /** Relative block I/O weight, 10–1000. */
  blkioWeight?: number;
  /** Bytes or operations per second and device. */
  deviceLimits?: readonly {
    kind: 'rbps' | 'wbps' | 'riops' | 'wiops';
    major: number;
    minor: number;
    rate: number;
  }[];
  /** Files of v2 written as they are (OCI `unified`). */
  unified?: Readonly<Record<string, string>>;
}

/** One write: a file below the cgroup's folder of one hierarchy. */
export interface LimitWrite {
  controller: Controller;
  file: string;
  value: string;
  /** The kernel may lack it (swap accounting, block weights); then the write is skipped with a note. */
  optional: boolean;
}

const DEFAULT_PERIOD_US = 100_000;
const MIB = 1 << 20;

/** Limits as writes, in the order the kernel accepts them. Pure: tested without a cgroup. */
export function limitWrites(layout: CgroupLayout, limits: CgroupLimits): LimitWrite[] {
  const writes: LimitWrite[] = [];
  const add: Add = (controller, file, value, optional = false) => {
    if (value !== undefined) writes.push({ controller, file, value: String(value), optional });
  };
  add('cpuset', 'cpuset.cpus', limits.cpuset?.join(','));
  add('cpuset', 'cpuset.mems', limits.cpusetMems);
  const period = limits.cpuPeriodUs ?? DEFAULT_PERIOD_US;
  const amounts: Amounts = {
    memory: memoryBytes(limits),
    quotaUs: limits.cpus === undefined ? undefined : Math.round(limits.cpus * period),
    period,
  };
  if (isUnified(layout)) v2Writes(limits, amounts, add);
  else v1Writes(limits, amounts, add);
  add('pids', 'pids.max', limits.pids !== undefined && limits.pids < 0 ? 'max' : limits.pids);
  // Asked for by the file's name, so they have the last word.
  if (isUnified(layout))
    for (const [file, value] of Object.entries(limits.unified ?? {})) add('io', file, value);
  return writes;
}

type Add = (
  controller: Controller,
  file: string,
  value: string | number | undefined,
  optional?: boolean,
) => void;

/** What both versions are told, in their units. */
interface Amounts {
  memory: number | undefined;
  quotaUs: number | undefined;
  period: number;
}

function v1Writes(limits: CgroupLimits, { memory, quotaUs, period }: Amounts, add: Add): void {
  add('memory', 'memory.limit_in_bytes', memory);
  if (memory !== undefined)
    add('memory', 'memory.memsw.limit_in_bytes', limits.memorySwapBytes ?? memory, true);
  add('memory', 'memory.soft_limit_in_bytes', limits.memoryReservationBytes);
  add('cpu', 'cpu.shares', limits.cpuShares);
  if (quotaUs !== undefined) add('cpu', 'cpu.cfs_period_us', period);
  add('cpu', 'cpu.cfs_quota_us', quotaUs);
  add('blkio', 'blkio.weight', limits.blkioWeight, true);
  add('blkio', 'blkio.bfq.weight', limits.blkioWeight, true);
  for (const { kind, major, minor, rate } of limits.deviceLimits ?? []) {
    const verb = kind.startsWith('r') ? 'read' : 'write';
    const unit = kind.endsWith('iops') ? 'iops' : 'bps';
    add('blkio', `blkio.throttle.${verb}_${unit}_device`, `${major}:${minor} ${rate}`);
  }
}

function v2Writes(limits: CgroupLimits, { memory, quotaUs, period }: Amounts, add: Add): void {
  add('memory', 'memory.max', memory);
  if (memory !== undefined)
    add('memory', 'memory.swap.max', Math.max(0, (limits.memorySwapBytes ?? memory) - memory), true);
  add('memory', 'memory.low', limits.memoryReservationBytes);
  if (limits.cpuShares !== undefined) add('cpu', 'cpu.weight', weightOfShares(limits.cpuShares));
  if (quotaUs !== undefined) add('cpu', 'cpu.max', `${quotaUs} ${period}`);
  add('io', 'io.bfq.weight', limits.blkioWeight, true);
  if (limits.blkioWeight !== undefined) add('io', 'io.weight', weightOfBlkio(limits.blkioWeight), true);
  for (const { kind, major, minor, rate } of limits.deviceLimits ?? [])
    add('io', 'io.max', `${major}:${minor} ${kind}=${rate}`);
}

function memoryBytes(limits: CgroupLimits): number | undefined {
  if (limits.memoryBytes !== undefined) return limits.memoryBytes;
  return limits.memoryMiB === undefined ? undefined : limits.memoryMiB * MIB;
}

/** OCI's conversion: shares 2…262144 onto weight 1…10000, linearly. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262142);
}

/** OCI's conversion: blkio weight 10…1000 onto io.weight 1…10000. */
export function weightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}
