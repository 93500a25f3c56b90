import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { changePoints } from '../../../results/statistics/change-points.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';
import { rankScan } from '../../../results/statistics/rank-scan.ts';

const test = suite('change points and replication');
const options = { tolerance: 0.01, seed: 's' };

function steps(levels: [length: number, level: number][], sd: number, seed = 'x'): number[] {
  const random = seeded(seed);
  return levels.flatMap(([length, level]) => Array.from({ length }, () => level + sd * normalDraw(random)));
}

test('finds a step, where it is and how large, with an interval', () => {
  const [point, ...others] = changePoints(
    steps(
      [
        [30, 0],
        [20, 0.1],
      ],
      0.01,
    ),
    options,
  );
  assert.is(others.length, 0);
  assert.is(point?.index, 30);
  assert.ok(point && Math.abs(point.shift - 0.1) < 0.01);
  assert.ok(point.interval.low < 0.1 && point.interval.high > 0.1);
});

test('finds two steps, each with its own shift', () => {
  const points = changePoints(
    steps(
      [
        [30, 0],
        [30, 0.1],
        [30, 0.2],
      ],
      0.01,
    ),
    options,
  );
  assert.equal(
    points.map(({ index }) => index),
    [30, 60],
  );
  for (const { shift } of points) assert.ok(Math.abs(shift - 0.1) < 0.01);
});

test('a change within the tolerance has no name', () => {
  assert.equal(
    changePoints(
      steps(
        [
          [30, 0],
          [30, 0.1],
        ],
        0.01,
      ),
      { ...options, tolerance: 0.2 },
    ),
    [],
  );
});

test('nothing in noise, in a constant series, in fewer than ten points, or from three wild values', () => {
  assert.equal(changePoints(steps([[60, 0]], 0.05, 'noise'), { ...options, tolerance: 0 }), []);
  assert.equal(changePoints(new Array<number>(40).fill(1), options), []);
  assert.equal(
    changePoints(
      steps(
        [
          [5, 0],
          [4, 1],
        ],
        0.001,
      ),
      options,
    ),
    [],
  );
  const wild = steps([[40, 0]], 0.01, 'wild');
  wild[10] = wild[11] = wild[30] = 5;
  assert.equal(changePoints(wild, options), []);
});

test('values that lean on each other are given more room', () => {
  const random = seeded('ar');
  let last = 0;
  const leaning = Array.from({ length: 80 }, () => (last = 0.9 * last + normalDraw(random)));
  for (const { allowedLag1 } of changePoints(leaning, { ...options, tolerance: 0 }))
    assert.ok(allowedLag1 > 0.3);
  const [point] = changePoints(
    steps(
      [
        [30, 0],
        [20, 0.1],
      ],
      0.01,
    ),
    options,
  );
  assert.ok(point && point.allowedLag1 < 0.5);
});

test('the scan’s statistic, by hand: 1..10 split in the middle', () => {
  const scan = rankScan([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.is(scan?.k, 5);
  assert.ok(Math.abs((scan?.statistic ?? 0) - 12.5 / Math.sqrt((25 * 11) / 12)) < 1e-12);
  assert.is(rankScan([1, 2, 3, 4, 5, 6, 7, 8, 9]), null);
});

test.run();
