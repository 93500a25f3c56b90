import { readFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';

/** The size that x86-64 and QEMU's hugetlb memory here agree on. */
const HUGE_PAGE_MIB = 2;
const FREE_PAGES = '/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages';

/** Huge pages of 2 MiB that nobody uses; 0 where the kernel has none. */
export function freeHugePages(path = FREE_PAGES): number {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
}

/**
 * Refuses huge pages that are not there. Reserving them changes the whole host, so that is left to whoever owns it.
 *
 * @throws BenchError `vm-no-hugepages`.
 */
export function checkMemory(
  options: { hugepages: boolean },
  memoryMiB: number,
  free = freeHugePages(),
): void {
  if (!options.hugepages) return;
  if (memoryMiB % HUGE_PAGE_MIB !== 0)
    throw new BenchError('vm-no-hugepages', `${memoryMiB} MiB is no whole number of 2 MiB pages`, {
      hint: 'make resources.memory a multiple of 2 MiB',
    });
  const needed = memoryMiB / HUGE_PAGE_MIB;
  if (free >= needed) return;
  throw new BenchError(
    'vm-no-hugepages',
    `hugepages: true needs ${needed} free pages of 2 MiB for ${memoryMiB} MiB; this host has ${free}`,
    { hint: `reserve them first (sysctl vm.nr_hugepages=${needed}); Tare does not change the host's memory` },
  );
}
