import { meanOf } from './describe.ts';

/**
 * Variances per level from a balanced pilot, inner first, after removing what the levels below contribute
 * (Kalibera & Jones 2013, eq. 5): T²ᵢ = S²ᵢ − S²ᵢ₋₁/nᵢ₋₁, at least 0. `pilot[i][j]`: value j within outer repetition i.
 */
export function varianceByLevel(pilot: readonly (readonly number[])[]): { inner: number; outer: number } {
  const means = pilot.map((group) => meanOf(group));
  const inner = meanOf(
    pilot.map(
      (group, i) => group.reduce((sum, v) => sum + (v - (means[i] as number)) ** 2, 0) / (group.length - 1),
    ),
  );
  const grand = meanOf(means);
  const between = means.reduce((sum, mean) => sum + (mean - grand) ** 2, 0) / (means.length - 1);
  return { inner, outer: Math.max(0, between - inner / (pilot[0]?.length ?? 1)) };
}

/**
 * STATISTICS 8: repetitions at the inner level that buy the narrowest interval for the time,
 * r = ⌈√((c_outer/c_inner)·(T²_inner/T²_outer))⌉ (Kalibera & Jones 2013, eq. 3). With no outer variance there is no
 * reason to go outside: Infinity.
 */
export function innerRepetitions(
  costs: { inner: number; outer: number },
  variances: { inner: number; outer: number },
): number {
  if (variances.outer <= 0) return Infinity;
  return Math.max(1, Math.ceil(Math.sqrt((costs.outer / costs.inner) * (variances.inner / variances.outer))));
}
