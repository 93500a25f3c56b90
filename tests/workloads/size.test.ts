import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseSize, printSize, sizeSchema } from '../../workloads/size.ts';
import { suite } from '../suite.ts';
import { refusal } from './refusal.ts';

const test = suite('sizes');

test('binary units, with and without a space', () => {
  assert.equal(
    ['1B', '16KiB', '64 MiB', '1.5GiB', '2TiB'].map(parseSize),
    [1, 16_384, 67_108_864, 1_610_612_736, 2_199_023_255_552],
  );
});

test("'MB' is refused, because tools disagree about it, and the nearest right spelling is named", () => {
  for (const [wrong, right] of [
    ['64MB', '64MiB'],
    ['64M', '64MiB'],
    ['2 gb', '2GiB'],
    ['4k', '4KiB'],
  ] as const) {
    const error = refusal(() => parseSize(wrong));
    assert.is(error.code, 'bad-size');
    assert.match(error.hint!, `did you mean '${right}'?`);
  }
});

test('no size is zero, broken, negative or beyond what a number holds', () => {
  for (const wrong of [
    '',
    '0B',
    '0MiB',
    '1.3B',
    '-1MiB',
    'MiB',
    '64',
    '1e3KiB',
    '9007199254740993B',
    '99999999TiB',
  ])
    assert.is(refusal(() => parseSize(wrong)).code, 'bad-size', wrong);
});

test('what is printed is read back as the same number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (bytes) => parseSize(printSize(bytes)) === bytes),
  );
  assert.is(printSize(65_536), '64 KiB');
});

test('the schema keeps the string and says the same words', () => {
  assert.is(sizeSchema.parse('64MiB'), '64MiB');
  const result = sizeSchema.safeParse('64MB');
  assert.match(result.error!.issues[0]!.message, "did you mean '64MiB'?");
});

test.run();
