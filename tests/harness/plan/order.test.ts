import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { canonicalJson } from '../../../harness/plan/canonical-json.ts';
import { chooseCpus } from '../../../harness/plan/choose-cpus.ts';
import { orderOfRound } from '../../../harness/plan/order.ts';
import { planOf } from '../../fakes/fake-run.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('plan');

test('an order is a permutation, and the same for the same seed and round', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat(500),
      fc.uniqueArray(fc.string(), { maxLength: 30 }),
      (seed, round, cells) => {
        const order = orderOfRound(seed, round, cells);
        assert.equal([...order].sort(), [...cells].sort());
        assert.equal(order, orderOfRound(seed, round, cells));
      },
    ),
  );
});

test('every cell is equally often in every position', () => {
  const cells = ['a', 'b', 'c', 'd'];
  const rounds = 4000;
  const counts = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [position, cell] of orderOfRound('fixed', round, cells).entries()) {
      counts.set(`${cell}${position}`, (counts.get(`${cell}${position}`) ?? 0) + 1);
    }
  }
  // Chi-squared over the 16 counts has 9 degrees of freedom: above 27.88 once in a thousand seeds; this seed is fixed.
  const expected = rounds / 4;
  let chi = 0;
  for (const cell of cells) {
    for (let position = 0; position < 4; position++)
      chi += ((counts.get(`${cell}${position}`) ?? 0) - expected) ** 2 / expected;
  }
  assert.ok(chi < 27.88, `chi-squared ${chi}`);
});

test('the hash changes with the seed and not with the name of the run', () => {
  const catalog = { runtimes: [fakeRuntime('a', [])], workloads: [fakeWorkload('w', [])] };
  const text = 'runtimes: { a: }\nworkloads: { w: }\n';
  assert.is(planOf(text, catalog, 's').hash, planOf(text, catalog, 's').hash);
  assert.is.not(planOf(text, catalog, 's').hash, planOf(text, catalog, 't').hash);
  assert.is.not(
    planOf(text, catalog, 's').hash,
    planOf(text + 'trials: { rounds: 11 }\n', catalog, 's').hash,
  );
});

test('canonical JSON does not depend on the order of keys', () => {
  assert.is(canonicalJson({ b: [{ d: 1, c: 2 }], a: null }), canonicalJson({ a: null, b: [{ c: 2, d: 1 }] }));
});

test('the last CPUs are measured and the rest keep house; with none to spare all share', () => {
  assert.equal(chooseCpus([0, 1, 2, 3], 1), { cpuset: [3], housekeeping: [0, 1, 2] });
  assert.equal(chooseCpus([0, 1], 2), { cpuset: [0, 1], housekeeping: [0, 1] });
  assert.equal(chooseCpus([0, 1, 2], 1, [0]), { cpuset: [0], housekeeping: [1, 2] });
});

test.run();
