import { meanOf, sampleSd } from './describe.ts';
import { studentQuantile } from './distribution.ts';
import { roundsForPrecision } from './rounds-needed.ts';

/**
 * Values of a balanced nested design, outermost level first: `counts` repetitions of each level inside one of the level
 * around it, `values` in that order (the innermost running fastest).
 */
export interface BalancedDesign {
  counts: readonly number[];
  values: Float64Array;
}

/** What one level adds to the scatter, outermost level first. */
export interface LevelVariance {
  /** S²: variance of the means at this level within one repetition of the level around it, on average. */
  observed: number;
  /** T²: what is left of it without what the levels inside contribute; at least 0. */
  own: number;
}

/**
 * Variances per level (Kalibera & Jones 2013, section 6): S²ᵢ is the mean over the enclosing repetitions of the sample
 * variance of the means at level i, T²ᵢ = S²ᵢ − S²ᵢ₋₁/nᵢ₋₁ (i − 1: the level inside), cut off at 0 (a negative estimate of a
 * variance is an accident of the sample). RangeError below two repetitions at any level: one says nothing of scatter.
 */
export function varianceByLevel({ counts, values }: BalancedDesign): LevelVariance[] {
  if (counts.length === 0 || counts.some((count) => !(count >= 2)))
    throw new RangeError(`every level needs two repetitions or more, not ${counts.join(' × ')}`);
  if (values.length !== counts.reduce((product, count) => product * count, 1))
    throw new RangeError(`${values.length} values where ${counts.join(' × ')} are expected`);
  const levels: LevelVariance[] = [];
  let means = values;
  for (const [depth, count] of [...counts.entries()].reverse()) {
    const groups = Array.from({ length: means.length / count }, (_, i) =>
      means.subarray(i * count, (i + 1) * count),
    );
    const observed = meanOf(groups.map((group) => sampleSd(group) ** 2));
    const inside = levels[0];
    const own = inside ? observed - inside.observed / (counts[depth + 1] as number) : observed;
    levels.unshift({ observed, own: Math.max(0, own) });
    means = Float64Array.from(groups, (group) => meanOf(group));
  }
  return levels;
}

/** How often each level should be repeated, outermost first. */
export interface Placement {
  /** Infinity: the level around it adds no scatter of its own, so all repetition may go here. */
  repetitions: number[];
  /** Variance of one outermost repetition's mean under this placement. */
  variance: number;
  /** What one outermost repetition costs under it, in the unit of the costs. */
  cost: number;
}

/**
 * Repetitions inside each outer one that buy the narrowest interval for the cost:
 * rᵢ = ⌈√((cᵢ₊₁/cᵢ)(T²ᵢ/T²ᵢ₊₁))⌉ (Kalibera & Jones 2013, eq. 3), i + 1 being the level around i and cᵢ what one more
 * repetition at level i costs by itself. A level between without scatter of its own is done once, and its cost is paid
 * with the level around it. The outermost count is for the target precision to decide (`outerRepetitions`): 1 here.
 */
export function placeRepetitions(own: readonly number[], costs: readonly number[]): Placement {
  const repetitions = own.map(() => 1);
  for (let inner = own.length - 1; inner > 0;) {
    let outer = inner - 1;
    let cost = costs[outer] as number;
    while (outer > 0 && (own[outer] as number) === 0) cost += costs[--outer] as number;
    const ratio = (cost / (costs[inner] as number)) * ((own[inner] as number) / (own[outer] as number));
    // 0/0: neither level scatters, so once is enough.
    repetitions[inner] = Number.isNaN(ratio) ? 1 : Math.max(1, Math.ceil(Math.sqrt(ratio) - 1e-9));
    inner = outer;
  }
  return { repetitions, ...priceOf(own, costs, repetitions) };
}

/** Variance of the mean of one outermost repetition, and its cost, when each level is repeated so often. */
export function priceOf(
  own: readonly number[],
  costs: readonly number[],
  repetitions: readonly number[],
): { variance: number; cost: number } {
  let variance = 0;
  let cost = 0;
  let times = 1;
  own.forEach((level, i) => {
    if (i > 0) times *= repetitions[i] as number;
    variance += level / times;
    cost += (costs[i] as number) * times;
  });
  return { variance, cost };
}

/** Outermost repetitions until the mean's interval is no wider than ± `precision` of it, on average. */
export function outerRepetitions(
  { variance }: { variance: number },
  mean: number,
  precision: number,
  confidence: number,
): number {
  return roundsForPrecision(Math.sqrt(variance) / Math.abs(mean), precision, confidence);
}

/** Half-width of the mean's interval after n outermost repetitions, as a ratio of it. */
export function precisionAfter(n: number, variance: number, mean: number, confidence: number): number {
  return (studentQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(variance / n)) / Math.abs(mean);
}
