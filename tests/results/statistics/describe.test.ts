import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { describe, lag1 } from '../../../results/statistics/describe.ts';
import {
  chiSquaredUpperTail,
  normalCdf,
  normalQuantile,
  studentCdf,
} from '../../../results/statistics/distribution.ts';
import { medianInterval } from '../../../results/statistics/median-interval.ts';
import { theilSenSlope } from '../../../results/statistics/theil-sen.ts';

const test = suite('description of a cell');
const rounds = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

test('a small cell, by hand', () => {
  const cell = describe(rounds(5), Float64Array.from([3, 1, 4, 1, 6]), 0.95);
  assert.is(cell?.n, 5);
  assert.is(cell?.median, 3);
  assert.is(cell?.mean, 3);
  assert.is(cell?.mad, 2);
  assert.ok(Math.abs((cell?.cov ?? 0) - Math.sqrt(18 / 4) / 3) < 1e-12);
  assert.is(cell?.medianInterval, null);
  // Walsh averages of 1 1 3 4 6: 1 1 1 2 2 2.5 2.5 3 3.5 3.5 3.5 4 4.5 5 6 → the eighth of fifteen.
  assert.is(cell?.hodgesLehmann, 3);
});

test('median interval: binomial tails (n = 10: x₍₂₎ to x₍₉₎ at 97.85 %)', () => {
  const sorted = rounds(10).map((i) => i + 1);
  const interval = medianInterval(sorted, 0.95);
  assert.is(interval?.low, 2);
  assert.is(interval?.high, 9);
  assert.ok(Math.abs((interval?.level ?? 0) - (1 - 22 / 1024)) < 1e-12);
  assert.is(medianInterval([1, 2, 3, 4, 5], 0.95), null);
});

test('drift is the median slope, untouched by two wild trials; also in a long series', () => {
  const values = rounds(20).map((i) => 5 + 0.25 * i);
  values[3] = 1e6;
  values[11] = -1e6;
  assert.ok(Math.abs((theilSenSlope(rounds(20), values) ?? 0) - 0.25) < 1e-9);
  const long = rounds(1000).map((i) => 5 + 0.25 * i);
  assert.ok(Math.abs((theilSenSlope(rounds(1000), long) ?? 0) - 0.25) < 1e-9);
  assert.is(theilSenSlope([4], [1]), null);
});

test('lag-1 autocorrelation of an alternating series is near −1, of a constant one unknown', () => {
  const alternating = rounds(100).map((i) => (i % 2 === 0 ? 1 : -1));
  assert.ok((lag1(alternating) ?? 0) < -0.95);
  assert.is(lag1([2, 2, 2, 2]), null);
  assert.is(lag1([1, 2]), null);
});

test('distribution functions agree with tables', () => {
  assert.ok(Math.abs(normalQuantile(0.975) - 1.959963984540054) < 1e-13);
  assert.ok(Math.abs(normalCdf(-3) - 0.0013498980316300933) < 1e-15);
  assert.ok(Math.abs(normalCdf(-8) / 6.220960574271785e-16 - 1) < 1e-12);
  assert.ok(Math.abs(normalCdf(normalQuantile(0.001)) - 0.001) < 1e-14);
  assert.ok(Math.abs(studentCdf(2.0150483733330233, 5) - 0.95) < 1e-12);
  assert.ok(Math.abs(chiSquaredUpperTail(3.841458820694124, 1) - 0.05) < 1e-13);
});

test.run();
