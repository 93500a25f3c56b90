import type { Interval } from '../record/summary.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import { medianInterval } from './median-interval.ts';
import { medianOfSorted, theilSenSlope } from './theil-sen.ts';

/** STATISTICS 2: one series of values over rounds, described. */
export interface Description {
  n: number;
  min: number;
  max: number;
  mean: number;
  median: number;
  medianInterval: Interval | null;
  hodgesLehmann: number;
  /** Median absolute deviation from the median, unscaled. */
  mad: number;
  /** Sample sd / mean; null when the mean is 0 or n < 2. */
  cov: number | null;
  lag1: number | null;
  driftPerRound: number | null;
}

/** Describes values in round order; null for no values. Values must be finite (the caller filters and says so). */
export function describe(
  rounds: ArrayLike<number>,
  values: Float64Array,
  confidence: number,
): Description | null {
  const n = values.length;
  if (n === 0) return null;
  const sorted = values.slice().sort();
  const median = medianOfSorted(sorted);
  const mean = meanOf(values);
  const deviations = sorted.map((value) => Math.abs(value - median)).sort();
  return {
    n,
    min: sorted[0] as number,
    max: sorted[n - 1] as number,
    mean,
    median,
    medianInterval: medianInterval(sorted, confidence),
    hodgesLehmann: hodgesLehmann(values).estimate,
    mad: medianOfSorted(deviations),
    cov: n < 2 || mean === 0 ? null : sampleSd(values) / Math.abs(mean),
    lag1: lag1(values),
    driftPerRound: theilSenSlope(rounds, values),
  };
}

/** Mean by Kahan–Neumaier summation: 10⁶ values lose nothing. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return (sum + lost) / values.length;
}

/** Sample standard deviation (n − 1). NaN below two values. */
export function sampleSd(values: ArrayLike<number>): number {
  const mean = meanOf(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** Lag-1 autocorrelation r₁ = Σ(xₜ−x̄)(xₜ₊₁−x̄)/Σ(xₜ−x̄)² (Box & Jenkins); null below 3 values or without spread. */
export function lag1(values: ArrayLike<number>): number | null {
  const n = values.length;
  if (n < 3) return null;
  const mean = meanOf(values);
  let products = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const here = (values[i] as number) - mean;
    squares += here * here;
    if (i + 1 < n) products += here * ((values[i + 1] as number) - mean);
  }
  return squares > 0 ? products / squares : null;
}
