import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { findings } from '../../reports/answer/findings.ts';
import { costWords } from '../../reports/words/cost.ts';
import { armName, printable } from '../../reports/words/names.ts';
import { bytes, duration, fixed, significant } from '../../reports/words/number.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';
import { makeRun } from './runs/make-run.ts';

const test = suite('numbers and names in words');
const plain = (text: string | null | undefined): string => (text ?? '').replace(/[\u00a0\u202f]/g, ' ');
const interval = (low: number, high: number) => ({ low, high, level: 0.95 });

test('a small cost is a percentage, a large one a multiple, each as precise as its interval', () => {
  const said = (overhead: number, low: number, high: number): string => {
    const words = costWords({ overhead, interval: interval(low, high) });
    return plain(`${words?.signed} ${words?.interval}`);
  };
  assert.is(said(1.001, 0.998, 1.004), '+0.1 % [−0.2, 0.4]');
  assert.is(said(13.2, 12.8, 13.7), '13.2× [12.8, 13.7]');
  assert.is(said(0.97, 0.951, 0.99), '−3.0 % [−4.9, −1.0]');
  assert.is(said(1.3, 1.1, 1.55), '+30 % [10, 55]');
  assert.is(said(219.7, 215.4, 224.4), '220× [215, 224]');
  assert.is(said(1.06, 1.0004, 1.14), '+6.00 % [0.04, 14.00]');
  assert.is(costWords({ overhead: null, interval: null }), null);
});

test('a bound that excludes no cost is never printed as no cost, down to a hundredth of a per cent', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1.0001, max: 1.2, noNaN: true }),
      fc.double({ min: 1.001, max: 3, noNaN: true }),
      (low, factor) => {
        const high = low * factor;
        const overhead = Math.sqrt(low * high);
        const words = costWords({ overhead, interval: interval(low, high) })!;
        assert.not.match(words.interval!, words.form === 'percent' ? /^\[0(\.0+)?,/ : /^\[1(\.0+)?,/);
      },
    ),
    { seed: 3 },
  );
});

test('numbers carry a true minus, groups of three and never a minus zero', () => {
  assert.is(plain(fixed(-0.04, 1)), '0.0');
  assert.is(fixed(-1.5, 1), '−1.5');
  assert.is(plain(significant(65_703_919)), '65 700 000');
  assert.is(plain(significant(9999)), '10 000');
  assert.is(significant(0.000_123_4), '0.000123');
  assert.is(plain(significant(1.234e-7)), '1.23 × 10⁻⁷');
  assert.is(plain(bytes(187 * 2 ** 20)), '187 MiB');
  assert.is(plain(duration(982_000)), '16 min 22 s');
  assert.is(plain(duration(120_000)), '2 min');
});

test('an emulated arm is never named without saying so', () => {
  const arm = { id: 'a', label: 'VM', runtime: 'qemu', options: {}, caveats: [], emulated: true };
  assert.is(armName(arm), 'VM (emulated)');
  assert.is(armName({ ...arm, label: 'emulated VM' }), 'emulated VM');
  assert.is(armName({ ...arm, emulated: false }), 'VM');
});

test('printable text has no control, no turning mark, no lone half of a pair, and an end', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 900 }), (text) => {
      const shown = printable(text, 100);
      assert.not.match(shown, /[\p{Cc}](?<![\n\t])|[\u202a-\u202e\u2066-\u2069\u200e\u200f]/u);
      assert.ok([...shown].length <= 100);
      assert.not.match(shown, /\p{Cs}/u);
    }),
    { seed: 4 },
  );
});

test('a finding says what the verdict is, in its own words', () => {
  const run = makeRun();
  const sentences = findings(summarize(run), run.plan).flatMap((one) => one.clauses);
  assert.ok(sentences.length === 12);
  for (const { verdict, sentence, emulated } of sentences) {
    const text = plain(sentence);
    assert.match(text, /\.$/);
    assert.is(/, emulated/.test(text), emulated, text);
    if (verdict === 'worse') assert.match(text, /costs [\d.]+(×| %)/);
    if (verdict === 'equivalent') assert.match(text, /costs nothing that matters \(±1 %\)/);
    if (verdict === 'inconclusive') assert.match(text, /is not settled/);
  }
});

test.run();
