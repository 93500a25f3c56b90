import * as assert from 'uvu/assert';
import { CALM, fakeObserver } from '../../fakes/fake-observer.ts';
import { planOf, runFake } from '../../fakes/fake-run.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('schedule');

const MATRIX = `
runtimes: { a: , b: }
workloads: { work: , play: }
trials: { rounds: 4, spare: 2 }
`;

function catalogOf(log: string[], failing?: string) {
  return {
    runtimes: ['a', 'b'].map((id) =>
      fakeRuntime(id, log, (step) => (step === 'start' && id === failing ? { fail: 'broken' } : {})),
    ),
    workloads: [fakeWorkload('work', log), fakeWorkload('play', log)],
  };
}

test('every round runs every cell once, in the order of the plan', async () => {
  const catalog = catalogOf([]);
  const plan = planOf(MATRIX, catalog);
  const records = await runFake(plan, catalog, fakeObserver([]));
  assert.equal(
    records.map((record) => record.cell),
    plan.order.slice(0, 4).flat(),
  );
});

test('a resumed run goes on where it stopped, in the same order, and repeats only what was aborted', async () => {
  const catalog = catalogOf([]);
  const plan = planOf(MATRIX, catalog);
  const whole = await runFake(plan, catalog, fakeObserver([]));
  const aborted = {
    ...whole[5]!,
    outcome: { status: 'aborted' as const, step: 'run' as const, reason: 'test' },
  };
  const rest = await runFake(plan, catalog, fakeObserver([]), { recorded: [...whole.slice(0, 5), aborted] });
  assert.equal(
    rest.map((record) => record.trial),
    whole.slice(5).map((record) => record.trial),
  );
});

test('a voided round is replaced from the spare rounds, for its workload and all arms', async () => {
  const catalog = catalogOf([]);
  const plan = planOf(MATRIX, catalog);
  let looks = 0;
  const stolen = { ...CALM, stealMs: 500 };
  const observer = fakeObserver([], () => (looks++ === 0 ? stolen : CALM));
  const records = await runFake(plan, catalog, observer);
  const voided = records.find((record) => record.outcome.status === 'invalid');
  assert.ok(voided);
  const spare = records.filter((record) => record.round >= 4);
  assert.equal([...new Set(spare.map((record) => record.workload))], [voided.workload]);
  assert.equal(spare.map((record) => record.arm).sort(), ['a', 'b']);
});

test('an arm that cannot run fails by name while the others are measured; it is given up after three failures a cell', async () => {
  const log: string[] = [];
  const catalog = catalogOf(log, 'b');
  const records = await runFake(planOf(MATRIX, catalog), catalog, fakeObserver([]));
  const byStatus = (arm: string) =>
    records.filter((record) => record.arm === arm).map((record) => record.outcome.status);
  assert.equal(new Set(byStatus('a')), new Set(['completed']));
  assert.equal(new Set(byStatus('b')), new Set(['failed']));
  const codes = records
    .filter((record) => record.cell === 'work.b')
    .map((record) => (record.outcome.status === 'failed' ? record.outcome.code : ''));
  assert.equal(codes, ['fake-failure', 'fake-failure', 'fake-failure', 'cell-given-up']);
});

test('a workload that is precise enough stops at a look while the other goes on, rounds staying whole', async () => {
  let value = 0;
  const noisy = () => 100 * (1 + 0.4 * Math.sin(++value * 7.3));
  const catalog = {
    runtimes: ['a', 'b'].map((id) => fakeRuntime(id, [])),
    workloads: [
      fakeWorkload('steady', [], undefined, () => 100 + (++value % 7) * 0.01),
      fakeWorkload('noisy', [], undefined, noisy),
    ],
  };
  const text =
    'runtimes: { a: , b: }\nworkloads: { steady: , noisy: }\ntrials: { min: 7, max: 12, precision: 1 %, spare: 0 }\n';
  const records = await runFake(planOf(text, catalog), catalog, fakeObserver([]));
  const rounds = (workload: string, arm: string) =>
    records.filter((record) => record.workload === workload && record.arm === arm).length;
  assert.equal([rounds('steady', 'a'), rounds('steady', 'b')], [7, 7]);
  assert.equal([rounds('noisy', 'a'), rounds('noisy', 'b')], [12, 12]);
});

test.run();
