import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { checkClock } from '../../../harness/host/clock-check.ts';
import { suite } from '../../suite.ts';

const test = suite('the inside clock against the stopwatch');
const ms = 1_000_000n;

function reading(before: bigint, inside: bigint, after: bigint) {
  return { beforeNs: before * ms, insideNs: inside * ms, afterNs: after * ms };
}

test('clocks that agree have no drift, however slow the looks were', () => {
  // Inside is read 30 ms into the first look and 1 ms into the second: 4971 ms apart by the host's clock.
  const check = checkClock(reading(0n, 1030n, 40n), reading(5000n, 6001n, 5040n));
  assert.equal(check, { insideMs: 4971, hostMs: 5000, uncertaintyMs: 40, drift: 0 });
});

test('only what the uncertainty cannot explain is drift', () => {
  const check = checkClock(reading(0n, 0n, 10n), reading(5000n, 4500n, 5010n));
  assert.equal(check, { insideMs: 4500, hostMs: 5000, uncertaintyMs: 10, drift: 490 / 5000 });
  assert.is(checkClock(reading(0n, 0n, 10n), reading(5000n, 5500n, 5010n)).drift, 490 / 5000);
});

test('a clock that stands still, or is set back, is caught', () => {
  assert.is(checkClock(reading(0n, 7n, 0n), reading(5000n, 7n, 5000n)).drift, 1);
  assert.is(checkClock(reading(0n, 5000n, 0n), reading(5000n, 0n, 5000n)).drift, 2);
});

test('a true clock never drifts, wherever within the looks it was read', () => {
  const span = fc.bigInt({ min: 0n, max: 1_000_000_000n });
  fc.assert(
    fc.property(span, span, span, span, fc.bigInt({ min: 1n, max: 10n ** 11n }), (a, b, c, d, gap) => {
      const first = { beforeNs: 0n, insideNs: a, afterNs: a + b };
      const start = a + b + gap;
      const second = { beforeNs: start, insideNs: start + c, afterNs: start + c + d };
      return checkClock(first, second).drift < 1e-12;
    }),
  );
});

test('a clock that runs at another rate is caught once the looks are short against the window', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 0.9, noNaN: true }), (rate) => {
      const inside = BigInt(Math.round(10_000 * rate));
      const { drift } = checkClock(reading(0n, 0n, 5n), reading(10_000n, inside, 10_005n));
      return Math.abs(drift - (1 - rate)) < 0.002;
    }),
  );
});

test.run();
