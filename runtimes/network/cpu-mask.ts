/** CPUs as the bit mask sched_setaffinity takes: little-endian, whole 64-bit words. */
export function cpuMask(cpus: readonly number[]): Uint8Array {
  const words = Math.floor(Math.max(0, ...cpus) / 64) + 1;
  const mask = new Uint8Array(words * 8);
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return mask;
}
