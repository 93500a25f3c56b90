import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroup } from './cgroup.ts';
import { isUnified } from './layout.ts';
import type { CgroupLimits } from './limits.ts';
import { readNumber } from './read-cost.ts';

/** On v1 memory may never exceed memory and swap together, so that a raise begins with the latter. */
export function raiseSwapFirst(cgroup: Cgroup, limits: CgroupLimits): void {
  if (isUnified(cgroup.layout) || limits.memoryBytes === undefined) return;
  const file = join(cgroup.folder('memory') ?? '/nonexistent', 'memory.memsw.limit_in_bytes');
  const together = limits.memorySwapBytes ?? limits.memoryBytes;
  if ((readNumber(file) ?? Infinity) < together) writeFileSync(file, String(together));
}
