import * as assert from 'uvu/assert';
import type { Plan } from '../../../results/record/plan.ts';
import { factorEffect } from '../../../results/statistics/factor-effects.ts';
import { SeriesTable, type Series } from '../../../results/statistics/series.ts';
import { compareSeries } from '../../../results/statistics/comparison.ts';
import { factorsOf } from '../../../results/summarize/factors.ts';
import { suite } from '../../suite.ts';

const test = suite('factorial runs');

const ROUNDS = 8;
const FORMATS = ['qcow2', 'raw'];
const STATES = ['fresh', 'written'];

/** Throughput made from known factors: emulation ÷4, qcow2 ÷1.25, fresh ÷2, and a drift that all arms of a round share. */
function speed(format: string | null, state: string | null, round: number): number {
  const drift = 1 + 0.3 * Math.sin(round);
  return (
    (1000 * drift) /
    ((format === null ? 1 : 4) * (format === 'qcow2' ? 1.25 : 1) * (state === 'fresh' ? 2 : 1))
  );
}

const boxes = FORMATS.flatMap((format) =>
  STATES.map((state) => ({ id: `vm-${format}-${state}`, format, state })),
);

const plan = {
  baseline: 'native',
  arms: [
    { id: 'native', label: 'native', runtime: 'native', options: {}, caveats: [], emulated: false },
    ...boxes.map(({ id, format, state }) => ({
      ...{ id, label: id, runtime: 'qemu', caveats: [], emulated: true },
      options: { format, state, cache: 'none' },
    })),
  ],
  workloads: [
    {
      ...{
        id: 'io',
        label: 'File I/O',
        workload: 'sysbench-fileio',
        options: {},
        caveats: [],
        seconds: 1,
        published: [],
      },
      metrics: [{ name: 'speed', unit: 'MiB/s', better: 'higher', title: 'Speed', primary: true }],
    },
  ],
  policy: { confidence: 0.95, margin: 0.01 },
} as unknown as Plan;

function seriesOf(): Series[] {
  const table = new SeriesTable();
  const add = (arm: string, round: number, value: number): void =>
    assert.is(
      table.add({ round, arm, workload: 'io', metric: 'speed', value, unit: 'MiB/s', better: 'higher' }),
      null,
    );
  for (let round = 0; round < ROUNDS; round++) {
    add('native', round, speed(null, null, round));
    for (const { id, format, state } of boxes) add(id, round, speed(format, state, round));
  }
  return table.finish();
}

const near = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? NaN) / expected - 1) < 1e-9, `${actual} is not ${expected}`);

function analysed() {
  const series = seriesOf();
  const baseline = series.find((one) => one.arm === 'native') as Series;
  const comparisons = series
    .filter((one) => one !== baseline)
    .map((one) => compareSeries(one, baseline, { margin: 0.01, confidence: 0.95 }));
  return factorsOf(plan, series, comparisons);
}

test('each option gets its own effect, whatever the others are, and only options that vary', () => {
  const { factors } = analysed();
  assert.equal(
    factors.map(({ factor, from, to, pairs, n }) => [factor, from, to, pairs, n]),
    [
      ['format', 'qcow2', 'raw', 2, ROUNDS],
      ['state', 'fresh', 'written', 2, ROUNDS],
    ],
  );
  near(factors[0]?.ratio, 1 / 1.25);
  near(factors[1]?.ratio, 1 / 2);
});

test('the shares of the gap and what remains add up to it', () => {
  const [gap] = analysed().gaps;
  assert.ok(gap);
  near(gap.ratio, 4 * 1.25 * 2);
  near(gap.remaining?.ratio, 4);
  near(
    gap.explained.reduce((sum, one) => sum + one.share, gap.remaining?.share ?? 0),
    1,
  );
  assert.match(
    gap.sentence,
    /emulated costs ×10\.0 .*format qcow2 → raw 10 %.*state fresh → written 30 %.*×4\.00 .*remains/,
  );
});

test('a pair that lacks a round leaves that round out of the effect, and no effect is made of nothing', () => {
  const [a, b, c, d] = seriesOf().filter((one) => one.arm !== 'native') as [Series, Series, Series, Series];
  const short: Series = { ...d, rounds: d.rounds.slice(1), values: d.values.slice(1) };
  assert.is(
    factorEffect(
      [
        { from: a, to: c },
        { from: b, to: short },
      ],
      0.95,
    )?.n,
    ROUNDS - 1,
  );
  const none: Series = { ...d, rounds: d.rounds.slice(0, 0), values: d.values.slice(0, 0) };
  assert.is(factorEffect([{ from: a, to: none }], 0.95), null);
});

test('swapping the levels inverts the effect', () => {
  const [a, b] = seriesOf().filter((one) => one.arm !== 'native') as [Series, Series];
  const there = factorEffect([{ from: a, to: b }], 0.95);
  const back = factorEffect([{ from: b, to: a }], 0.95);
  near(there?.ratio, 1 / (back?.ratio ?? NaN));
});

test.run();
