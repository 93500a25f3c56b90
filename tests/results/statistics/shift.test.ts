import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { normalQuantile } from '../../../results/statistics/distribution.ts';
import { isWithin, shiftBetween, sides } from '../../../results/statistics/shift.ts';
import { medianOfSorted } from '../../../results/statistics/theil-sen.ts';

const test = suite('the shift between two sides');
const values = fc.array(
  fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -1e3, max: 1e3, noNaN: true })),
  { minLength: 1, maxLength: 25 },
);

/** All differences, listed and sorted. */
function listed(before: number[], after: number[]): Float64Array {
  return Float64Array.from(after.flatMap((a) => before.map((b) => a - b))).sort();
}

test('counted along the staircase it is, to the last bit, what listing all differences gives', () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const all = listed(before, after);
      const spread =
        normalQuantile(0.975) * Math.sqrt((all.length * (before.length + after.length + 1)) / 12);
      const q = Math.max(0, Math.floor(all.length / 2 - spread));
      const { shift, interval } = shiftBetween(sides(before, after));
      // Adding 0 makes −0 and 0, which are one number, one value too.
      assert.equal(
        [shift, interval.low, interval.high].map((one) => one + 0),
        [medianOfSorted(all), all[q]!, all[all.length - 1 - q]!].map((one) => one + 0),
      );
    }),
    { numRuns: 500, seed: 3 },
  );
});

test('what is said to be within the tolerance is', () => {
  fc.assert(
    fc.property(values, values, fc.double({ min: 0, max: 20, noNaN: true }), (before, after, tolerance) => {
      if (isWithin(sides(before, after), tolerance))
        assert.ok(Math.abs(medianOfSorted(listed(before, after))) <= tolerance);
    }),
    { numRuns: 500, seed: 4 },
  );
  assert.ok(isWithin(sides([1, 2, 3], [1, 2, 3]), 0.5));
  assert.not.ok(isWithin(sides([1, 2, 3], [2, 3, 4]), 0.5));
  assert.not.ok(isWithin(sides([2, 3, 4], [1, 2, 3]), 0.5));
});

test.run();
