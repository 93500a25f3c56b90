/**
 * Which host CPUs the measured work gets and which the rest (harness, peers, emulator I/O threads) keeps to: the last
 * ones are measured, since CPU 0 takes most interrupts. On a machine with no CPU to spare both share, and that is said.
 */
export function chooseCpus(
  usable: readonly number[],
  count: number,
  asked?: readonly number[],
): { cpuset: number[]; housekeeping: number[] } {
  const cpuset = asked ? [...asked] : usable.slice(-count);
  const rest = usable.filter((cpu) => !cpuset.includes(cpu));
  return { cpuset, housekeeping: rest.length > 0 ? rest : [...usable] };
}
