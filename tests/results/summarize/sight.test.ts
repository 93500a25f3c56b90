import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';
import type { Comparison } from '../../../results/record/summary.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';
import { compareSeries, sightOf } from '../../../results/statistics/comparison.ts';
import { summarize } from '../../../results/summarize/summarize.ts';

const test = suite('what a comparison could have seen');

/** Values of each arm scatter by its own sd; the arms cost the same. */
function run(sds: Record<string, number>, control: boolean) {
  const plan = {
    ...planFixture({ rounds: 20, arms: Object.keys(sds).map((id) => ({ id })) }),
    ...(control && { control: 'control' }),
  };
  const random = seeded('sight');
  const trials = trialsFixture(plan, (_round, arm) => 100 * Math.exp((sds[arm] ?? 0) * normalDraw(random)));
  const { comparisons, noiseFloor } = summarize({ plan, trials });
  const find = (arm: string): Comparison =>
    comparisons.find((one) => one.arm === arm && one.workload === 'cpu') as Comparison;
  return { find, noiseFloor };
}

test('without a control it comes from the pairs, and there is no floor', () => {
  const { sight, pairedSd } = run({ native: 0.01, vm: 0.01 }, false).find('vm');
  assert.is(sight?.from, 'pairs');
  assert.is(sight?.floor, null);
  // (t(.975, 19) + z(.9))·sd/√20 = (2.0930 + 1.2816)·sd/4.4721
  assert.ok(Math.abs(Math.log1p(sight?.detectable ?? 0) - (3.3746 * (pairedSd ?? 0)) / 4.4721) < 1e-5);
});

test('with a control every verdict has the noise floor of its metric beside it, but the control’s own', () => {
  const { find, noiseFloor } = run({ native: 0.01, vm: 0.03, control: 0.01 }, true);
  const floor = noiseFloor?.find(({ workload }) => workload === 'cpu');
  const { sight } = find('vm');
  assert.is(sight?.floor?.apparent, floor?.apparent);
  assert.is(sight?.floor?.apparent, find('control').overhead);
  assert.is(sight?.from, 'pairs');
  assert.is(find('control').sight?.floor, null);
});

test('an arm that scatters less than the baseline against itself is not believed', () => {
  const { find } = run({ native: 0.0001, vm: 0.0001, control: 0.05 }, true);
  const { sight } = find('vm');
  assert.is(sight?.from, 'control');
  assert.is(sight?.detectable, find('control').sight?.detectable);
});

test('with too few rounds for an interval nothing could have been called worse', () => {
  assert.is(sightOf(5, 0.01, { confidence: 0.95 }), null);
  assert.ok(sightOf(6, 0.01, { confidence: 0.95 }));
});

test('a run that stopped by its precision could see less than a fixed one of as many rounds', () => {
  const fixed = sightOf(20, 0.01, { confidence: 0.95 })?.detectable ?? NaN;
  assert.ok((sightOf(20, 0.01, { confidence: 0.95, adaptive: true })?.detectable ?? 0) > fixed);
});

test('nine of ten runs that are worse by what could be seen are called worse', () => {
  const random = seeded('power');
  const rounds = Float64Array.from({ length: 20 }, (_, i) => i);
  const identity = {
    workload: 'w',
    metric: 'm',
    unit: 'ms',
    better: 'lower',
    rounds,
    positions: null,
  } as const;
  const shift = Math.log1p(sightOf(20, 0.02, { confidence: 0.95 })?.detectable ?? NaN);
  const draws = 1000;
  let found = 0;
  for (let i = 0; i < draws; i++) {
    const baseline = { ...identity, arm: 'a', values: rounds.map(() => 1) };
    const arm = {
      ...identity,
      arm: 'b',
      values: rounds.map(() => Math.exp(shift + 0.02 * normalDraw(random))),
    };
    if (compareSeries(arm, baseline, { margin: 0.01, confidence: 0.95 }).verdict === 'worse') found++;
  }
  // The rank test has 95 % of the t test's power under normal noise: a little below nine in ten.
  assert.ok(found / draws > 0.86 && found / draws < 0.93, String(found / draws));
});

test.run();
