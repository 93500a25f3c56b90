import { meanOf, sampleSd } from './describe.ts';

/**
 * STATISTICS 1: does it matter when in the round an arm ran? Groups the paired log-ratios by the arm's place among the
 * arms of its round; answers the largest |mean of a group − overall mean| in standard errors of that group's mean.
 * Null when places are unknown, there is no spread, or no two places have two rounds each.
 */
export function positionEffect(
  differences: ArrayLike<number>,
  positions: ArrayLike<number> | null,
): number | null {
  const n = differences.length;
  if (!positions || n < 4) return null;
  const groups = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const place = positions[i] as number;
    const group = groups.get(place);
    if (group) group.push(differences[i] as number);
    else groups.set(place, [differences[i] as number]);
  }
  const usable = [...groups.values()].filter((group) => group.length >= 2);
  const overall = meanOf(differences);
  const sd = sampleSd(differences);
  if (usable.length < 2 || !(sd > 0)) return null;
  // A group's mean varies about the overall mean with variance sd²(1/k − 1/n).
  return Math.max(
    ...usable.map((group) => Math.abs(meanOf(group) - overall) / (sd * Math.sqrt(1 / group.length - 1 / n))),
  );
}
