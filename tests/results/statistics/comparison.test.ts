import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { compareSeries } from '../../../results/statistics/comparison.ts';
import { SeriesTable, type Series } from '../../../results/statistics/series.ts';

const test = suite('comparison with the baseline');
const options = { margin: 0.01, confidence: 0.95 };

function series(arm: string, values: number[], more: Partial<Series> = {}): Series {
  return {
    workload: 'cpu',
    arm,
    metric: 'rate',
    unit: 'events/s',
    better: 'higher',
    rounds: Float64Array.from(values, (_, i) => i),
    values: Float64Array.from(values),
    positions: null,
    ...more,
  };
}

const positive = fc.double({ min: 0.1, max: 100, noNaN: true });
const twoArms = fc.array(fc.tuple(positive, positive), { minLength: 6, maxLength: 30 });

test('swapping the arms negates the log interval', () => {
  fc.assert(
    fc.property(twoArms, (pairs) => {
      const a = series(
        'a',
        pairs.map(([x]) => x),
      );
      const b = series(
        'b',
        pairs.map(([, y]) => y),
      );
      const forth = compareSeries(a, b, options);
      const back = compareSeries(b, a, options);
      assert.ok(Math.abs(Math.log(forth.overhead as number) + Math.log(back.overhead as number)) < 1e-12);
      assert.ok(
        Math.abs(Math.log(forth.interval?.low as number) + Math.log(back.interval?.high as number)) < 1e-12,
      );
      assert.is(forth.pValue, back.pValue);
    }),
    { numRuns: 100, seed: 4 },
  );
});

test('rescaling the unit changes nothing', () => {
  fc.assert(
    fc.property(twoArms, fc.constantFrom(2 ** -10, 0.5, 1024), (pairs, factor) => {
      const compare = (scale: number): ReturnType<typeof compareSeries> =>
        compareSeries(
          series(
            'a',
            pairs.map(([x]) => x * scale),
          ),
          series(
            'b',
            pairs.map(([, y]) => y * scale),
          ),
          options,
        );
      const [plain, scaled] = [compare(1), compare(factor)];
      assert.is(plain.verdict, scaled.verdict);
      assert.ok(Math.abs((plain.overhead as number) / (scaled.overhead as number) - 1) < 1e-9);
      assert.ok(Math.abs((plain.interval?.high as number) / (scaled.interval?.high as number) - 1) < 1e-9);
    }),
    { numRuns: 100, seed: 5 },
  );
});

const base = [100, 104, 98, 101, 99, 103, 97, 102];

test('a throughput that is a tenth lower is worse, and as cost above 1', () => {
  const result = compareSeries(
    series(
      'vm',
      base.map((x, i) => x * 0.9 * (1 + i / 1e4)),
    ),
    series('native', base),
    options,
  );
  assert.is(result.verdict, 'worse');
  assert.ok(Math.abs((result.overhead as number) - 1 / 0.9) < 0.001);
  assert.match(result.why, /vm costs \+11\.\d % against native/);
});

test('a latency that is a tenth lower is better', () => {
  const lower = { better: 'lower', unit: 'ms' } as const;
  const result = compareSeries(
    series(
      'vm',
      base.map((x, i) => x * 0.9 * (1 + i / 1e4)),
      lower,
    ),
    series('native', base, lower),
    options,
  );
  assert.is(result.verdict, 'better');
});

test('within the margin is equivalent; real but within the margin is different-but-negligible', () => {
  const wobble = base.map((x, i) => x * (1 + (i % 2 === 0 ? 1 : -1) * (0.001 + i / 1e5)));
  assert.is(compareSeries(series('a', wobble), series('b', base), options).verdict, 'equivalent');
  const slightly = base.map((x, i) => x * (0.997 + i / 1e5));
  assert.is(
    compareSeries(series('a', slightly), series('b', base), options).verdict,
    'different-but-negligible',
  );
});

test('fewer than six rounds give an estimate but no interval and no verdict', () => {
  const result = compareSeries(series('a', base.slice(0, 5)), series('b', base.slice(0, 5)), options);
  assert.is(result.interval, null);
  assert.is(result.verdict, 'inconclusive');
  assert.match(result.problem ?? '', /too few rounds: 5, and an interval at 95 % needs 6/);
});

test('the same value in every round says that the metric does not resolve a difference', () => {
  const flat = base.map(() => 7);
  const result = compareSeries(series('a', flat), series('b', flat), options);
  assert.is(result.method, 'sign-flip');
  assert.is(result.pValue, 1);
  assert.match(result.why, /below what the metric resolves/);
});

test('zero and negative values have no ratio: no number, and the round is named', () => {
  for (const bad of [0, -3]) {
    const broken = [...base];
    broken[3] = bad;
    const result = compareSeries(series('a', broken), series('b', base), options);
    assert.is(result.overhead, null);
    assert.match(result.problem ?? '', new RegExp(`'a' is ${bad} in round 3`));
  }
});

test('missing rounds: only rounds that both arms have are paired', () => {
  const sparse = series('a', base.slice(0, 7), { rounds: Float64Array.from([0, 1, 2, 4, 5, 6, 9]) });
  const result = compareSeries(sparse, series('b', base), options);
  assert.is(result.n, 6);
  const apart = series('a', base, { rounds: Float64Array.from(base, (_, i) => i + 100) });
  assert.match(compareSeries(apart, series('b', base), options).problem ?? '', /no round in which both/);
});

test('a stall in one arm moves the ratio of totals, not the typical ratio, and that is said', () => {
  const lower = { better: 'lower', unit: 'ms' } as const;
  const steady = Array.from({ length: 20 }, (_, i) => 100 + (i % 5));
  const stalled = steady.map((x, i) => (i === 6 || i === 13 ? x * 4 : x * (1 + ((i * 7) % 5) / 1000)));
  const result = compareSeries(series('a', stalled, lower), series('b', steady, lower), options);
  assert.ok((result.overhead as number) < 1.01);
  assert.ok((result.stallCost?.ratio as number) > 1.2);
  assert.is(result.stallCost?.disagrees, true);
});

test('a stall cost whose denominator may be zero is unbounded', () => {
  const lower = { better: 'lower', unit: 'ms' } as const;
  const wild = [1, 1, 1, 1, 1, 1, 1, 5000];
  const result = compareSeries(series('a', base, lower), series('b', wild, lower), options);
  assert.is(result.stallCost?.low, null);
  assert.is(result.stallCost?.high, null);
});

test('an arm that is slow whenever it runs second shows as a position effect', () => {
  const positions = Float64Array.from({ length: 40 }, (_, i) => (i * 7 + (i >> 2)) % 2);
  const values = Array.from(positions, (place, i) => 100 * (1 - 0.05 * place) * (1 + ((i * 13) % 7) / 1000));
  const flat = Array.from(positions, () => 100);
  const result = compareSeries(series('a', values, { positions }), series('b', flat), options);
  assert.ok((result.positionEffect as number) > 3);
});

test('data that contradicts itself is refused with a sentence', () => {
  const table = new SeriesTable();
  const good = {
    round: 0,
    arm: 'a',
    workload: 'cpu',
    metric: 'rate',
    value: 1,
    unit: 'ms',
    better: 'lower',
  } as const;
  assert.is(table.add(good), null);
  assert.match(
    table.add({ ...good, round: 1, unit: 's' }) ?? '',
    /two units for cpu rate: 'ms' before, 's' now/,
  );
  assert.match(table.add({ ...good, round: 1, better: 'higher' }) ?? '', /two directions/);
  assert.match(table.add({ ...good, round: 1, value: NaN }) ?? '', /not a finite number/);
  assert.match(table.add({ ...good, round: 1.5 }) ?? '', /not a whole number/);
  assert.is(table.add(good), null);
  assert.throws(() => table.finish(), /round 0 occurs twice for cpu rate of arm 'a'/);
});

test.run();
