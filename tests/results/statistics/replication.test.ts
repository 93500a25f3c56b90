import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { importNested } from '../../../results/import/nested.ts';
import { replicationSchema } from '../../../results/record/replication.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';
import {
  outerRepetitions,
  placeRepetitions,
  precisionAfter,
  priceOf,
  varianceByLevel,
} from '../../../results/statistics/replication.ts';
import { repetitionsOfRun } from '../../../results/summarize/repetitions.ts';
import { replicationOf } from '../../../results/summarize/replication.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';

const test = suite('where repetition pays');

/** Box, Hunter & Hunter, Statistics for Experimenters, ch. 17: moisture of pigment paste, 15 batches × 2 samples × 2 tests. */
const PASTE =
  '40 39 30 30 26 28 25 26 29 28 14 15 30 31 24 24 19 20 17 17 33 32 26 24 23 24 32 33 34 34 29 29 27 27 31 31 ' +
  '13 16 27 24 25 23 25 27 29 29 31 32 19 20 29 30 23 24 25 25 39 37 26 28';
const paste = PASTE.split(' ').map(Number);
const near = (value: number | undefined, expected: number, digits: number): void =>
  assert.ok(Math.abs((value ?? NaN) - expected) < 0.5 * 10 ** -digits, `${value} is not ${expected}`);

test('variance components of the pigment paste, as published: mean squares 86.495, 57.983, 0.917', () => {
  const [batch, sample, analysis] = varianceByLevel({ counts: [15, 2, 2], values: Float64Array.from(paste) });
  near((batch?.observed ?? 0) * 4, 86.495, 3);
  near((sample?.observed ?? 0) * 2, 57.983, 3);
  near(analysis?.observed, 0.917, 3);
  near(batch?.own, (86.495 - 57.983) / 4, 3);
  near(sample?.own, (57.983 - 0.917) / 2, 3);
  near(analysis?.own, 0.917, 3);
});

test('two levels by hand; a level inside that scatters more than the means around it leaves 0, not less', () => {
  const values = Float64Array.from([10, 12, 20, 22, 30, 32]);
  const [round, start] = varianceByLevel({ counts: [3, 2], values });
  near(round?.observed, 100, 9);
  near(round?.own, 99, 9);
  near(start?.own, 2, 9);
  const [outer] = varianceByLevel({ counts: [3, 2], values: Float64Array.from([0, 10, 0, 10, 0, 10]) });
  assert.equal(outer, { observed: 0, own: 0 });
});

test('one repetition says nothing of scatter, and a design with holes is refused', () => {
  assert.throws(() => varianceByLevel({ counts: [3, 1], values: new Float64Array(3) }), /two repetitions/);
  assert.throws(() => varianceByLevel({ counts: [3, 2], values: new Float64Array(5) }), /5 values/);
});

test('repetitions by Kalibera & Jones: ⌈√(c_outer/c_inner · T²_inner/T²_outer)⌉, level by level', () => {
  assert.equal(placeRepetitions([1, 90], [10, 1]).repetitions, [1, 30]);
  assert.equal(placeRepetitions([99, 2], [10, 1]).repetitions, [1, 1]);
  // 400/4 · 9/1 = 900 → 30; 4/1 · 25/9 = 11.1 → 4
  assert.equal(placeRepetitions([1, 9, 25], [400, 4, 1]).repetitions, [1, 30, 4]);
  assert.equal(placeRepetitions([0, 90], [10, 1]).repetitions, [1, Infinity]);
  assert.equal(placeRepetitions([5, 0], [10, 1]).repetitions, [1, 1]);
});

test('a level in between that adds nothing is done once, and its cost is paid with the level around it', () => {
  // (10 + 6)/1 · 4/1 = 64 → 8
  assert.equal(placeRepetitions([1, 0, 4], [10, 6, 1]).repetitions, [1, 1, 8]);
});

test('no other whole numbers buy less variance times cost than the placement, but for rounding', () => {
  const own = [3, 7, 50];
  const costs = [30, 5, 1];
  const { variance, cost, repetitions } = placeRepetitions(own, costs);
  for (let starts = 1; starts <= 12; starts++)
    for (let iterations = 1; iterations <= 40; iterations++) {
      const other = priceOf(own, costs, [1, starts, iterations]);
      assert.ok(
        variance * cost <= other.variance * other.cost * 1.03,
        `${repetitions} against ${starts}, ${iterations}`,
      );
    }
});

test('the outermost count is the smallest that reaches the precision', () => {
  const n = outerRepetitions({ variance: 4 }, 100, 0.01, 0.95);
  const precision = (count: number): number => precisionAfter(count, 4, 100, 0.95);
  assert.ok(precision(n) <= Math.log1p(0.01) && precision(n - 1) > Math.log1p(0.01), String(n));
});

test('components of a simulated pilot are found again', () => {
  const random = seeded('levels');
  const rows = ['round,start,iteration,value'];
  for (let round = 0; round < 40; round++) {
    const ofRound = normalDraw(random);
    for (let start = 0; start < 6; start++) {
      const ofStart = 3 * normalDraw(random);
      for (let iteration = 0; iteration < 5; iteration++)
        rows.push(`${round},${start},${iteration},${100 + ofRound + ofStart + 2 * normalDraw(random)}`);
    }
  }
  const { levels, series } = importNested(rows.join('\n'), 'pilot.csv', null);
  assert.equal(levels, ['round', 'start', 'iteration']);
  const [entry] = replicationOf(
    series.map((one) => ({ ...one, costs: [1, 8, 1] })),
    { source: 'pilot.csv', levels, costUnit: 's', precision: 0.01, confidence: 0.95, warnings: [] },
  ).entries;
  const sds = entry?.levels.map(({ own }) => Math.sqrt(own)) ?? [];
  assert.ok(
    Math.abs(sds[0]! - 1) < 0.6 && Math.abs(sds[1]! - 3) < 0.4 && Math.abs(sds[2]! - 2) < 0.15,
    String(sds),
  );
  assert.ok((entry?.recommendedCost ?? Infinity) <= (entry?.pilotCost ?? 0));
});

const options = { source: 'x', costUnit: 's', precision: 0.01, confidence: 0.95, warnings: [] };
const replicate = (csv: string, levels: string[] | null = null) => {
  const imported = importNested(csv, 'x.csv', levels);
  const costs = imported.levels.map(() => 1);
  return replicationOf(
    imported.series.map((one) => ({ ...one, costs })),
    { ...options, levels: imported.levels },
  );
};

test('an unbalanced pilot is cut to its smallest count, and what is left out is told', () => {
  const rows = [
    'round,start,value',
    '1,1,10',
    '1,2,12',
    '1,3,99',
    '2,1,20',
    '2,2,22',
    '3,1,55',
    '4,1,30',
    '4,2,32',
  ];
  const [entry] = replicate(rows.join('\n')).entries;
  assert.is(entry?.leftOut, 2);
  assert.equal(
    entry?.levels.map(({ repetitions, own }) => [repetitions, +own.toFixed(9)]),
    [
      [3, 99],
      [2, 2],
    ],
  );
});

test('a level that is never repeated gives no advice, and says which', () => {
  const [entry] = replicate('round,start,value\n1,1,10\n2,1,11\n3,1,12\n').entries;
  assert.match(entry?.problem ?? '', 'start is not repeated');
  assert.equal(entry?.levels, []);
});

test('arms and metrics are kept apart, JSON lines read the same, and the record fits its schema', () => {
  const rows: string[] = [];
  for (const arm of ['a', 'b'])
    for (let round = 0; round < 3; round++)
      for (let start = 0; start < 2; start++)
        rows.push(
          JSON.stringify({ round, start, arm, metric: 'm', unit: 'ms', value: 10 + round + start / 3 }),
        );
  const replication = replicate(rows.join('\n'));
  assert.equal(
    replication.entries.map(({ arm, values, unit }) => [arm, values, unit]),
    [
      ['a', 6, 'ms'],
      ['b', 6, 'ms'],
    ],
  );
  assert.equal(replicationSchema.parse(JSON.parse(JSON.stringify(replication))), replication);
});

test('what is wrong with a file is told with its line', () => {
  const refused = (csv: string, levels: string[] | null, message: RegExp): void =>
    assert.throws(() => importNested(csv, 'x.csv', levels), message);
  refused('round,start,value\n1,1,fast\n', null, /x\.csv:2: value 'fast' is not a number/);
  refused('round,start,value\n1,1,5\n1,1,6\n', null, /x\.csv:3: round 1, start 1 occurs twice/);
  refused('round,start,value\n1,,5\n', null, /start is empty/);
  refused('round,start,value,colour\n1,1,5,red\n', null, /unknown column colour/);
  refused('round,value\n1,5\n', null, /two levels or more; found round/);
  refused('round,start,value\n1,1,5\n', ['batch', 'start'], /no column batch/);
});

test('a run: its boxes’ own costs by round and start; void and failed trials are not repetitions', () => {
  const plan = planFixture({ rounds: 4 });
  const trials = trialsFixture(plan, () => 100).map((trial) => ({
    ...trial,
    stepsMs: { start: 300 + 10 * trial.round + (trial.workload === 'cpu' ? 1 : 0), run: 1000 },
  }));
  const voided = trials.map((trial) =>
    trial.round === 3 && trial.arm === 'vm' && trial.workload === 'cpu'
      ? { ...trial, outcome: { status: 'invalid' as const, reasons: ['steal'], observed: [] } }
      : trial,
  );
  const startup = repetitionsOfRun(plan, voided).find((one) => one.arm === 'vm' && one.metric === 'startup');
  assert.is(startup?.values.length, 7);
  assert.is(startup?.costs[0], 0);
  assert.ok(Math.abs((startup?.costs[1] ?? 0) - 1.31) < 0.02);
  const [entry] = replicationOf([startup!], { ...options, levels: ['round', 'start'] }).entries;
  assert.equal(
    entry?.levels.map(({ repetitions, observed }) => [repetitions, +observed.toFixed(9)]),
    [
      [3, 100],
      [2, 0.5],
    ],
  );
  assert.is(
    repetitionsOfRun(plan, trials).some(({ metric }) => metric === 'host_cpu_per_window'),
    false,
  );
});

test.run();
