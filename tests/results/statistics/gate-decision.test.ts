import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { decideGate, type GateMetric } from '../../../results/statistics/gate-decision.ts';
import { benjaminiHochberg, holm } from '../../../results/statistics/multiple-testing.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';

const test = suite('gate decision');

function metric(
  name: string,
  effect: number,
  sd: number,
  n = 20,
  more: Partial<GateMetric> = {},
): GateMetric {
  const random = seeded(name);
  const differences = Float64Array.from({ length: n }, () => effect + sd * normalDraw(random));
  return { name, tolerance: 0.02, differences, problem: null, ...more };
}
const three = { looks: 3 };

test('passes when every metric is shown to be within its tolerance', () => {
  const decision = decideGate([metric('a', 0, 0.005), metric('b', -0.1, 0.005)], three);
  assert.is(decision.answer, 'pass');
  assert.is(decision.level, 0.05 / 3);
});

test('fails when one metric is worse by more than its tolerance, and names it first', () => {
  const decision = decideGate([metric('fine', 0, 0.005), metric('slow', 0.05, 0.005)], three);
  assert.is(decision.answer, 'fail');
  assert.is(decision.metrics[0]?.name, 'slow');
  assert.is(decision.metrics[1]?.answer, 'pass');
});

test('is inconclusive, not passed, when the noise hides the tolerance, and says what it could have seen', () => {
  const decision = decideGate([metric('noisy', 0, 0.3)], three);
  assert.is(decision.answer, 'inconclusive');
  assert.ok((decision.metrics[0]?.detectable ?? 0) > 0.15);
});

test('worse, but by less than the tolerance, passes', () => {
  assert.is(decideGate([metric('small', 0.01, 0.002)], three).answer, 'pass');
});

test('a missing metric fails the gate with its reason, whatever the others say', () => {
  const missing: GateMetric = {
    name: 'gone',
    tolerance: 0.02,
    differences: null,
    problem: 'no trial completed',
  };
  const decision = decideGate([metric('fine', 0, 0.005), missing], three);
  assert.is(decision.answer, 'fail');
  assert.equal([decision.metrics[0]?.name, decision.metrics[0]?.problem], ['gone', 'no trial completed']);
});

test('no metrics at all is not a pass', () => {
  assert.is(decideGate([], three).answer, 'inconclusive');
});

test('forty metrics and three looks need twelve rounds before one of them can fail', () => {
  const forty = (n: number): GateMetric[] =>
    Array.from({ length: 40 }, (_, i) => metric(`m${i}`, i === 0 ? 1 : 0, 0.001, n));
  assert.is(decideGate(forty(11), three).answer, 'inconclusive');
  assert.is(decideGate(forty(12), three).answer, 'fail');
  assert.is(decideGate(forty(12), three).roundsToFail, 12);
});

test('Holm: worked by hand, and never below the raw p nor above Bonferroni', () => {
  assert.equal(
    holm([0.01, 0.04, 0.03]).map((p) => +p.toFixed(12)),
    [0.03, 0.06, 0.06],
  );
  const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(ps, (raw) =>
      holm(raw).every(
        (p, i) => p >= (raw[i] as number) && p <= Math.min(1, raw.length * (raw[i] as number)) + 1e-12,
      ),
    ),
    { seed: 7 },
  );
});

test('Benjamini–Hochberg: worked by hand, and never above Holm', () => {
  assert.equal(
    benjaminiHochberg([0.01, 0.04, 0.03, 0.005]).map((p) => +p.toFixed(12)),
    [0.02, 0.04, 0.04, 0.02],
  );
  const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(ps, (raw) => {
      const strict = holm(raw);
      return benjaminiHochberg(raw).every((q, i) => q <= (strict[i] as number) + 1e-12);
    }),
    { seed: 8 },
  );
});

test('a p that is not a number counts as 1', () => {
  assert.equal(holm([NaN, 0.01]), [1, 0.02]);
});

test.run();
