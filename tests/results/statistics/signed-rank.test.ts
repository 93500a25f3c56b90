import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { EXACT_SIGNED_RANK_LIMIT } from '../../../results/statistics/defaults.ts';
import { hodgesLehmann } from '../../../results/statistics/hodges-lehmann.ts';
import { exactNull, signedRankBound, signedRankNull } from '../../../results/statistics/signed-rank.ts';
import { doubledMidRanks, signedRankTest } from '../../../results/statistics/signed-rank-test.ts';
import { walshAverages } from '../../../results/statistics/walsh.ts';

const test = suite('signed rank');

const continuous = (minLength: number, maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min: -1, max: 1, noNaN: true, noDefaultInfinity: true }), { minLength, maxLength });
const coarse = (minLength: number, maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: -4, max: 4 }), { minLength, maxLength });

/** P(V ≥ v) over all 2ⁿ flips of the signs of the non-zero differences, ranks held. */
function bruteForce(differences: number[]): { pGreater: number; pLess: number } {
  const { doubled } = doubledMidRanks(differences);
  const weights = differences.flatMap((d, i) => (d === 0 ? [] : [doubled[i] as number]));
  const seen = differences.reduce((sum, d, i) => sum + (d > 0 ? (doubled[i] as number) : 0), 0);
  let greater = 0;
  let less = 0;
  for (let flips = 0; flips < 2 ** weights.length; flips++) {
    let sum = 0;
    for (let i = 0; i < weights.length; i++) if (flips & (1 << i)) sum += weights[i] as number;
    if (sum >= seen) greater++;
    if (sum <= seen) less++;
  }
  return { pGreater: greater / 2 ** weights.length, pLess: less / 2 ** weights.length };
}

test('p equals brute force over all sign flips for n up to 12, with and without ties and zeros', () => {
  fc.assert(
    fc.property(fc.oneof(continuous(1, 12), coarse(1, 12)), (differences) => {
      const { pGreater, pLess, pTwoSided } = signedRankTest(differences);
      const brute = bruteForce(differences);
      assert.ok(Math.abs(pGreater - brute.pGreater) < 1e-12);
      assert.ok(Math.abs(pLess - brute.pLess) < 1e-12);
      assert.ok(Math.abs(pTwoSided - Math.min(1, 2 * Math.min(brute.pGreater, brute.pLess))) < 1e-12);
    }),
    { numRuns: 150, seed: 1 },
  );
});

test('the interval inverts the test: a shift inside is not rejected, one outside is', () => {
  const distinct = fc.uniqueArray(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: 6,
    maxLength: 25,
  });
  fc.assert(
    fc.property(distinct, fc.double({ min: -1.2, max: 1.2, noNaN: true }), (differences, shift) => {
      const [interval] = hodgesLehmann(differences, [0.95]).intervals;
      if (!interval) return false;
      const shifted = differences.map((d) => d - shift);
      const test = signedRankTest(shifted);
      if (test.method !== 'signed-rank') return true; // a Walsh average hit exactly, or subtraction made a tie
      const rejected = test.pTwoSided <= 1 - interval.level + 1e-12;
      const outside = shift < interval.low || shift > interval.high;
      return rejected === outside;
    }),
    { numRuns: 300, seed: 2 },
  );
});

test('the k-th Walsh average found by selection is the k-th of the sorted list', () => {
  fc.assert(
    fc.property(
      fc.oneof(continuous(1, 60), coarse(1, 60)),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (d, share) => {
        const listed: number[] = [];
        const sorted = Float64Array.from(d).sort();
        for (let i = 0; i < sorted.length; i++)
          for (let j = i; j < sorted.length; j++)
            listed.push(((sorted[i] as number) + (sorted[j] as number)) / 2);
        listed.sort((a, b) => a - b);
        const k = 1 + Math.floor(share * (listed.length - 1));
        assert.is(walshAverages(d).kth(k), listed[k - 1]);
      },
    ),
    { numRuns: 300, seed: 3 },
  );
});

test('Hodges–Lehmann of 2,000 rounds needs memory for rows, not for two million averages', () => {
  const differences = Float64Array.from(
    { length: 2000 },
    (_, i) => Math.sin(i * 12.9898) * 43758.5453 - Math.floor(i / 7),
  );
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const original = globalThis.Float64Array;
  // Count what the selection allocates instead of trusting the collector's timing.
  globalThis.Float64Array = new Proxy(original, {
    construct(target, args: unknown[]) {
      if (typeof args[0] === 'number') most = Math.max(most, args[0]);
      return Reflect.construct(target, args) as object;
    },
  });
  try {
    hodgesLehmann(differences, [0.95, 0.9]);
  } finally {
    globalThis.Float64Array = original;
  }
  assert.ok(most < 50_000, `an array of ${most} numbers (arrayBuffers before: ${before})`);
});

test('the approximation above the exact limit is within 1e-6 of the count at the limit', () => {
  const n = EXACT_SIGNED_RANK_LIMIT + 1;
  const exact = exactNull(n);
  const approximate = signedRankNull(n);
  for (let v = 0; v <= exact.total; v += 37)
    assert.ok(Math.abs(exact.cdf(v) - approximate.cdf(v)) < 1e-6, `at ${v}`);
});

test('a 95 % interval exists from six differences on, a 90 % interval from five', () => {
  assert.is(signedRankBound(5, 0.95), null);
  assert.equal(signedRankBound(6, 0.95), { q: 1, level: 1 - 2 / 64 });
  assert.is(signedRankBound(4, 0.9), null);
  assert.equal(signedRankBound(5, 0.9), { q: 1, level: 1 - 2 / 32 });
});

test('all differences zero: nothing can be rejected', () => {
  const { pTwoSided, method } = signedRankTest([0, 0, 0, 0, 0, 0, 0]);
  assert.is(pTwoSided, 1);
  assert.is(method, 'sign-flip');
});

test.run();
