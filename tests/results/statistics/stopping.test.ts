import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';
import type { Plan } from '../../../results/record/plan.ts';
import { seeded, normalDraw } from '../../../results/statistics/random.ts';
import { decideStop, isLook } from '../../../results/statistics/stopping.ts';
import type { Series } from '../../../results/statistics/series.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { stoppedBy, stopsAfter } from '../../../results/summarize/stops.ts';

const test = suite('stopping');
const policy = { min: 10, max: 40, precision: 0.01, budgetMs: null };

function arms(rounds: number, sd: number, effect = 0): Series[] {
  const random = seeded(`${rounds} ${sd}`);
  const series = (arm: string, shift: number): Series => ({
    ...{ workload: 'cpu', arm, metric: 'rate', unit: 'events/s', better: 'higher', positions: null },
    rounds: Float64Array.from({ length: rounds }, (_, i) => i),
    values: Float64Array.from({ length: rounds }, () => 100 * Math.exp(shift + sd * normalDraw(random))),
  });
  return [series('native', 0), series('vm', effect)];
}
const at = (rounds: number, sd: number, more = {}, effect = 0): ReturnType<typeof decideStop>[number] => {
  const context = {
    rounds,
    elapsedMs: 0,
    baseline: 'native',
    confidence: 0.95,
    policy: { ...policy, ...more },
  };
  const [decision] = decideStop(arms(rounds, sd, effect), context);
  if (!decision) throw new Error('no decision');
  return decision;
};

test('looks are at the minimum, every five rounds, and at the end', () => {
  const looks = Array.from({ length: 42 }, (_, i) => i).filter((rounds) =>
    isLook(rounds, { ...policy, max: 41 }),
  );
  assert.equal(looks, [10, 15, 20, 25, 30, 35, 40, 41]);
});

test('stops when the interval is narrow enough, and only at a look', () => {
  assert.is(at(10, 0.002).reason, 'precision-met');
  assert.is(at(11, 0.002).reason, 'goes-on');
  assert.is(at(10, 0.05).reason, 'goes-on');
});

test('a clear verdict is no reason to stop', () => {
  const decision = at(10, 0.05, {}, 1);
  assert.is(decision.stop, false);
});

test('the budget and the most rounds end it, and say that the precision was not met', () => {
  assert.match(at(40, 0.3).why, /target precision ±1 % not met.*most rounds allowed \(40\)/);
  const [spent] = decideStop(arms(12, 0.3), {
    rounds: 12,
    elapsedMs: 61_000,
    baseline: 'native',
    confidence: 0.95,
    policy: { ...policy, budgetMs: 60_000 },
  });
  assert.is(spent?.reason, 'budget-spent');
  assert.match(spent?.why ?? '', /not met.*budget/);
});

test('a comparison that more rounds cannot mend is left out; one arm alone is judged by itself', () => {
  const [native, vm] = arms(10, 0.002) as [Series, Series];
  const broken = { ...vm, arm: 'broken', values: vm.values.map(() => 0) };
  const context = { rounds: 10, elapsedMs: 0, baseline: 'native', confidence: 0.95, policy };
  assert.is(decideStop([native, vm, broken], context)[0]?.reason, 'precision-met');
  assert.is(decideStop([native], context)[0]?.reason, 'precision-met');
});

/** cpu is quiet and stops at the first look; disk is noisy and runs to the end. */
const plan: Plan = {
  ...planFixture({ rounds: 20 }),
  stopping: { min: 10, max: 20, precision: 0.01, budgetMs: null },
};
const random = seeded('plan');
const trials = trialsFixture(plan, (_round, _arm, workload) =>
  Math.exp(normalDraw(random) * (workload === 'cpu' ? 0.001 : 0.2)),
);
const run = trials.filter(({ workload, round }) => workload === 'disk' || round < 10);

test('workloads stop one by one, all arms of one together, and the journal gives the same answer again', () => {
  assert.equal([...stoppedBy(plan, trials, 12).keys()], ['cpu']);
  assert.equal([...stoppedBy(plan, run, 20).keys()], ['cpu', 'disk']);
  assert.is(stopsAfter(plan, run, 11).length, 0);
});

test('the summary says what was reached and does not count what was not asked for as missing', () => {
  const summary = summarize({ plan, trials: run });
  assert.equal(
    summary.stopping?.map(({ workload, reason, rounds }) => [workload, reason, rounds]),
    [
      ['cpu', 'precision-met', 10],
      ['disk', 'max-rounds', 20],
    ],
  );
  assert.is(summary.counts.planned, 2 * 10 + 2 * 20);
  assert.is(summary.counts.missing, 0);
});

test('an interrupted run says how far it was', () => {
  const summary = summarize({ plan, trials: run.filter(({ round }) => round < 13) });
  const disk = summary.stopping?.find(({ workload }) => workload === 'disk');
  assert.is(disk?.reason, 'goes-on');
  assert.is(disk?.rounds, 10);
});

test('a control arm gives the noise floor', () => {
  const controlled: Plan = {
    ...planFixture({
      arms: [
        { id: 'native', runtime: 'native' },
        { id: 'again', runtime: 'native' },
      ],
    }),
    control: 'again',
  };
  const draw = seeded('control');
  const noisy = trialsFixture(controlled, () => Math.exp(0.02 * normalDraw(draw)));
  const floor = summarize({ plan: controlled, trials: noisy }).noiseFloor?.find(
    ({ metric }) => metric === 'rate',
  );
  assert.ok(floor && floor.pairedSd > 0.01 && floor.pairedSd < 0.06);
  assert.ok(floor.detectable > floor.pairedSd);
});

test.run();
