import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { bcaInterval } from '../../../results/statistics/bootstrap.ts';
import { studentQuantile } from '../../../results/statistics/distribution.ts';
import { fiellerRatio } from '../../../results/statistics/fieller.ts';
import { kruskalWallis, oneWayAnova } from '../../../results/statistics/group-test.ts';
import { hodgesLehmann } from '../../../results/statistics/hodges-lehmann.ts';
import { meanOf } from '../../../results/statistics/describe.ts';
import { seeded } from '../../../results/statistics/random.ts';
import { roundsForEquivalence } from '../../../results/statistics/rounds-needed.ts';
import { signedRankTest } from '../../../results/statistics/signed-rank-test.ts';
import { pairedTTest, tost, welchTest } from '../../../results/statistics/t-test.ts';

/** STATISTICS 9: published data with published answers (R's own data sets, Hollander & Wolfe, Efron & Tibshirani). */
const test = suite('known answers');

/** Student 1908, "the probable error of a mean": extra hours of sleep under two drugs. */
const sleep1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
const sleep2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const sleepDifferences = sleep1.map((value, i) => value - (sleep2[i] as number));

/** Hollander & Wolfe 1973, table 3.1: Hamilton depression scale, first visit less second. */
const first = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
const second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
const depression = first.map((value, i) => value - (second[i] as number));

/** R's PlantGrowth: dried weight under a control and two treatments. */
const plantGrowth = [
  [4.17, 5.58, 5.18, 6.11, 4.5, 4.61, 5.17, 4.53, 5.33, 5.14],
  [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
  [6.31, 5.12, 5.54, 5.5, 5.37, 5.29, 4.92, 6.15, 5.8, 5.26],
];

/** Efron & Tibshirani 1993, table 14.1: spatial test of 26 neurologically impaired children. */
const spatial = [
  48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
];

/** R's boot::city: inhabitants of ten cities in 1920 (u) and 1930 (x), in thousands. */
const cityU = [138, 93, 61, 179, 48, 37, 29, 23, 30, 2];
const cityX = [143, 104, 69, 260, 75, 63, 50, 48, 111, 50];

function near(actual: number | null | undefined, expected: number, tolerance: number): void {
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${actual} is not within ${tolerance} of ${expected}`,
  );
}

test('sleep, Welch', () => {
  const { t, df, pTwoSided, interval } = welchTest(sleep1, sleep2);
  near(t, -1.86081347, 1e-8);
  near(df, 17.7764735, 1e-7);
  near(pTwoSided, 0.07939414, 1e-8);
  near(interval.low, -3.36548323, 1e-8);
  near(interval.high, 0.20548323, 1e-8);
});

test('sleep, paired t', () => {
  const { t, pTwoSided, interval } = pairedTTest(sleepDifferences);
  near(t, -4.06212768, 1e-8);
  near(pTwoSided, 0.00283289, 1e-8);
  near(interval.low, -2.45988576, 1e-8);
  near(interval.high, -0.70011424, 1e-8);
});

test('sleep, two one-sided tests within ±0.5', () => {
  const { above, below, p } = tost(sleepDifferences, 0.5);
  near(above.t, -2.776644, 1e-6);
  near(below.t, -5.347611, 1e-6);
  near(above.pGreater, 0.9892408, 1e-7);
  near(below.pLess, 0.000231903, 1e-9);
  assert.is(p, above.pGreater);
});

test('depression, signed-rank test', () => {
  const { v, pGreater, pTwoSided, method } = signedRankTest(depression);
  assert.is(v, 40);
  assert.is(pGreater, 0.01953125);
  assert.is(pTwoSided, 0.0390625);
  assert.is(method, 'signed-rank');
});

test('depression, Hodges–Lehmann with exact 95 % and 90 % intervals', () => {
  const { estimate, intervals } = hodgesLehmann(depression, [0.95, 0.9]);
  near(estimate, 0.46, 1e-12);
  near(intervals[0]?.low, 0.01, 1e-12);
  near(intervals[0]?.high, 0.786, 1e-12);
  assert.is(intervals[0]?.level, 0.9609375);
  near(intervals[1]?.low, 0.175, 1e-12);
  near(intervals[1]?.high, 0.726, 1e-12);
  assert.is(intervals[1]?.level, 0.90234375);
});

test('PlantGrowth, analysis of variance and Kruskal–Wallis', () => {
  const anova = oneWayAnova(plantGrowth);
  near(anova.statistic, 4.8460879, 1e-7);
  near(anova.p, 0.01590996, 1e-8);
  const kruskal = kruskalWallis(plantGrowth);
  near(kruskal.statistic, 7.9882287, 1e-7);
  near(kruskal.p, 0.01842376, 1e-8);
});

test('t quantiles', () => {
  near(studentQuantile(0.975, 9), 2.2621571628, 1e-10);
  near(studentQuantile(0.9995, 3), 12.9239786367, 1e-9);
});

test('spatial variance, BCa', () => {
  const variance = (values: readonly number[]): number => {
    const mean = meanOf(values);
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  };
  const { estimate, acceleration, interval } = bcaInterval(spatial, variance, 0.9, 20_000, seeded('spatial'));
  near(estimate, 171.534, 5e-4);
  near(acceleration, 0.0612401, 5e-8);
  near(interval.low, 115.8, 3);
  near(interval.high, 261.2, 3);
});

test('city, ratio of totals with Fieller interval', () => {
  const result = fiellerRatio(cityX, cityU, 0.95);
  assert.is(result?.ratio, 1.5203125);
  near(result?.low, 1.195956, 1e-6);
  near(result?.high, 2.461375, 1e-6);
});

test('rounds needed for 90 % power at ±1 %', () => {
  const about: [sd: number, rounds: number][] = [
    [0.005, 5],
    [0.01, 13],
    [0.02, 46],
    [0.03, 100],
    [0.05, 275],
  ];
  for (const [sd, rounds] of about) near(roundsForEquivalence(sd, 0.01), rounds, Math.max(0, rounds * 0.01));
});

test.run();
