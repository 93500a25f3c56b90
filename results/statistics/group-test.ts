import { chiSquaredUpperTail, fUpperTail } from './distribution.ts';
import { meanOf } from './describe.ts';

/** A test that several groups have one location. */
export interface GroupTest {
  statistic: number;
  p: number;
}

/** One-way analysis of variance: F = (SSB/(k−1)) / (SSW/(N−k)). */
export function oneWayAnova(groups: readonly (readonly number[])[]): GroupTest {
  const all = groups.flat();
  const grand = meanOf(all);
  let between = 0;
  let within = 0;
  for (const group of groups) {
    const mean = meanOf(group);
    between += group.length * (mean - grand) ** 2;
    for (const value of group) within += (value - mean) ** 2;
  }
  const df1 = groups.length - 1;
  const df2 = all.length - groups.length;
  const statistic = between / df1 / (within / df2);
  return { statistic, p: fUpperTail(statistic, df1, df2) };
}

/** Kruskal–Wallis H with mid-ranks and the correction for ties; p from chi-squared with k − 1 degrees of freedom. */
export function kruskalWallis(groups: readonly (readonly number[])[]): GroupTest {
  const tagged = groups.flatMap((group, g) => group.map((value) => ({ value, g })));
  tagged.sort((a, b) => a.value - b.value);
  const n = tagged.length;
  const rankSums = groups.map(() => 0);
  let ties = 0;
  for (let from = 0; from < n;) {
    let to = from + 1;
    while (to < n && tagged[to]?.value === tagged[from]?.value) to++;
    const midRank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) {
      const g = tagged[i]?.g ?? 0;
      rankSums[g] = (rankSums[g] ?? 0) + midRank;
    }
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const sum = rankSums.reduce((total, rankSum, g) => total + rankSum ** 2 / (groups[g]?.length ?? 1), 0);
  const h = ((12 / (n * (n + 1))) * sum - 3 * (n + 1)) / (1 - ties / (n ** 3 - n));
  return { statistic: h, p: chiSquaredUpperTail(h, groups.length - 1) };
}
