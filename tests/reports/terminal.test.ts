import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { textWidth } from '../../reports/terminal/text-width.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';
import { makeRun } from './runs/make-run.ts';

const test = suite('the answer in the terminal');
const run = makeRun();
const summary = summarize(run);
const ESCAPE = /\u001b/;

test('says emulated beside every emulated number', () => {
  const lines = renderAnswer(summary, run.plan, { color: false, width: 120 }).split('\n');
  const numbers = lines.filter((line) => /VM, .*\d×/.test(line));
  assert.is(numbers.length, 8 + 8 + 4);
  for (const line of numbers) assert.match(line, /emulated/);
  for (const line of lines.filter((one) => /Container|Native {2}/.test(one) && !/VM/.test(one)))
    assert.not.match(line, /emulated/);
});

test('never gets wider than the terminal', () => {
  for (let width = 40; width <= 160; width += 7)
    for (const line of renderAnswer(summary, run.plan, { color: false, width }).split('\n'))
      assert.ok(textWidth(line) <= width, `${textWidth(line)} > ${width}: ${line}`);
});

test('columns stand below each other', () => {
  const lines = renderAnswer(summary, run.plan, { color: false, width: 120 }).split('\n');
  const rows = lines.filter((line) => /^ {2}(VM|Container).*(▲|=|\?|▼|≈) /.test(line) && !/\.$/.test(line));
  assert.is(new Set(rows.map((line) => line.search(/[▲=?▼≈]/))).size, 1);
});

test('has no escape codes without colour, whatever names a run brings', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (name) => {
      const label = name || 'x';
      const arms = run.plan.arms.map((arm) => ({ ...arm, label }));
      const plan = { ...run.plan, title: label, arms };
      const text = renderAnswer(summary, plan, { color: false, width: 100 });
      assert.not.match(text, ESCAPE);
      assert.not.match(text, /[\u202a-\u202e\u2066-\u2069]/);
    }),
    { numRuns: 60, seed: 7 },
  );
});

test('closes every colour it opens', () => {
  const text = renderAnswer(summary, run.plan, { color: true, width: 100 });
  assert.match(text, ESCAPE);
  for (const line of text.split('\n')) {
    const codes = [...line.matchAll(/\u001b\[(\d+)m/g)].map((match) => Number(match[1]));
    assert.is(codes.length % 2, 0, line);
  }
});

test.run();
