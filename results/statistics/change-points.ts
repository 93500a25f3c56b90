import type { Interval } from '../record/summary.ts';
import {
  CHANGE_ALPHA,
  CHANGE_DRAWS,
  CHANGE_MIN_SIDE,
  LAG1_BOUND,
  LAG1_CAUTION,
  MATERIAL_LAG1,
} from './defaults.ts';
import { lag1 } from './describe.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import { normalDraw, seeded, type Random } from './random.ts';
import { midRanks, rankScan } from './rank-scan.ts';
import { isWithin, shiftBetween, sides } from './shift.ts';
import { medianOfSorted } from './theil-sen.ts';

export interface ChangePoint {
  /** The change lies between index − 1 and index. */
  index: number;
  /** By how much the level rose (in the series' own scale: ln ratio), as the Hodges–Lehmann shift between the sides. */
  shift: number;
  interval: Interval;
  p: number;
  /** The lag-1 autocorrelation that the critical value allows for; 0: values exchange freely. */
  allowedLag1: number;
}

export interface ChangeOptions {
  /** Smallest |shift| that is worth a name, in the series' scale. */
  tolerance: number;
  seed: string;
  alpha?: number;
}

/**
 * STATISTICS 7: changes of level in one series, earliest first. The largest standardised rank sum is compared with what
 * it does when there is no change: under seeded permutation, or under AR(φ̂) draws when the residuals of the fitted
 * halves still lean on each other. A change that is real and larger than the tolerance splits the series, and both sides
 * are searched again.
 */
export function changePoints(values: readonly number[], options: ChangeOptions): ChangePoint[] {
  const found: ChangePoint[] = [];
  const search = (from: number, to: number): void => {
    const change = strongestChange(values.slice(from, to), options);
    if (!change) return;
    const index = from + change.index;
    search(from, index);
    found.push({ ...change, index });
    search(index, to);
  };
  search(0, values.length);
  return refined(values, found);
}

/** A split that was found while other changes were still in view is placed again between its neighbours. */
function refined(values: readonly number[], found: readonly ChangePoint[]): ChangePoint[] {
  if (found.length < 2) return [...found];
  const edges = [0, ...found.map(({ index }) => index), values.length];
  return found.map((change, i) => {
    const from = edges[i] as number;
    const to = edges[i + 2] as number;
    const scan = rankScan(midRanks(values.slice(from, to)));
    if (!scan) return change;
    const index = from + scan.k;
    edges[i + 1] = index;
    return { ...change, index, ...shiftBetween(sides(values.slice(from, index), values.slice(index, to))) };
  });
}

function strongestChange(values: readonly number[], options: ChangeOptions): ChangePoint | null {
  const { tolerance, seed, alpha = CHANGE_ALPHA } = options;
  const ranks = midRanks(values);
  const scan = rankScan(ranks);
  if (!scan) return null;
  const before = values.slice(0, scan.k);
  const after = values.slice(scan.k);
  const both = sides(before, after);
  if (isWithin(both, tolerance)) return null;
  const location = shiftBetween(both);
  if (Math.abs(location.shift) <= tolerance) return null;
  const phi = residualLag1(before, after);
  const allowedLag1 = phi > MATERIAL_LAG1 ? phi : 0;
  const p = exceedance(nullStatistics(values.length, allowedLag1, ranks, seed), scan.statistic);
  if (p > alpha) return null;
  return { index: scan.k, ...location, p, allowedLag1 };
}

/**
 * How much neighbours lean on each other apart from the change: lag-1 of the ranks of residuals about each side's own
 * level, with Kendall's correction for its bias of −(1 + 3φ)/n and half a standard error on top (the split was chosen to
 * take out as much of the lag as it can). Further changes inside a side look like lag too; first differences do not see
 * levels, so what they allow at most bounds it.
 */
function residualLag1(before: readonly number[], after: readonly number[]): number {
  const centre = (side: readonly number[]): number[] => {
    const middle = hodgesLehmann(side).estimate;
    return side.map((value) => value - middle);
  };
  const residuals = midRanks([...centre(before), ...centre(after)]);
  const n = residuals.length;
  const raw = lag1(residuals) ?? 0;
  const ofResiduals = raw + (1 + 3 * raw) / n + LAG1_CAUTION / Math.sqrt(n);
  const ofDifferences = differencedLag1([...before, ...after]) + LAG1_BOUND / Math.sqrt(n);
  return Math.min(0.9, ofResiduals, ofDifferences);
}

/** φ of an AR(1) from its first differences, whose lag-1 is (φ − 1)/2; differences cut at three MADs, so steps hardly count. */
function differencedLag1(values: readonly number[]): number {
  const steps = values.slice(1).map((value, i) => value - (values[i] as number));
  const spread = medianOfSorted(steps.map(Math.abs).sort((a, b) => a - b));
  const cut = 3 * spread;
  return 1 + 2 * (lag1(steps.map((step) => Math.max(-cut, Math.min(cut, step)))) ?? 0);
}

const drawn = new Map<string, Float64Array>();

/** Sorted draws of the statistic when nothing changes; remembered per length and φ, since ranks are all it sees. */
function nullStatistics(n: number, phi: number, ranks: Float64Array, seed: string): Float64Array {
  const rounded = Math.ceil(phi * 10) / 10; // upwards: the side that raises fewer alarms
  const tied = new Set(ranks).size < n;
  const key = `${seed} ${n} ${rounded}`;
  const known = tied ? undefined : drawn.get(key);
  if (known) return known;
  const random = seeded(key);
  const sequence = rounded > 0 ? autoregressive(n, rounded, random) : permuted(ranks, random);
  const statistics = Float64Array.from(
    { length: CHANGE_DRAWS },
    () => rankScan(sequence())?.statistic ?? 0,
  ).sort();
  if (!tied) {
    if (drawn.size > 2000) drawn.clear();
    drawn.set(key, statistics);
  }
  return statistics;
}

function permuted(ranks: Float64Array, random: Random): () => Float64Array {
  const shuffled = ranks.slice();
  return () => {
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      const held = shuffled[i] as number;
      shuffled[i] = shuffled[j] as number;
      shuffled[j] = held;
    }
    return shuffled;
  };
}

function autoregressive(n: number, phi: number, random: Random): () => Float64Array {
  const innovation = Math.sqrt(1 - phi * phi);
  return () => {
    const values = new Float64Array(n);
    let last = normalDraw(random);
    for (let i = 0; i < n; i++)
      values[i] = last = i === 0 ? last : phi * last + innovation * normalDraw(random);
    return midRanks(values);
  };
}

function exceedance(sorted: Float64Array, statistic: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < statistic - 1e-12) low = middle + 1;
    else high = middle;
  }
  return (sorted.length - low + 1) / (sorted.length + 1);
}

/** Fewest points in which a change can be found. */
export const CHANGE_MIN_POINTS = 2 * CHANGE_MIN_SIDE;
