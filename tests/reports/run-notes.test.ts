import * as assert from 'uvu/assert';
import { runSentence } from '../../reports/answer/findings.ts';
import { runNotes } from '../../reports/answer/run-notes.ts';
import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';
import { makeRun } from './runs/make-run.ts';

const test = suite('what a run says as a whole');
const run = makeRun();
const plain = summarize(run);
const [workload] = run.plan.workloads;
const metric = workload?.metrics.find((one) => one.primary)?.name ?? '';
const told = {
  ...plain,
  gaps: [
    {
      ...{
        workload: workload?.id ?? '',
        metric,
        arm: 'vm-qcow2',
        baseline: 'native',
        ratio: 10,
        interval: null,
      },
      ...{ explained: [], remaining: null, sentence: 'The VM costs ten times as much, <b>emulated</b>.' },
    },
  ],
  noiseFloor: [
    {
      ...{ workload: workload?.id ?? '', metric, n: 12, pairedSd: 0.01, apparent: 0.998 },
      ...{ low: 0.991, high: 1.004, detectable: 0.011 },
    },
    {
      workload: workload?.id ?? '',
      metric: 'a_detail',
      n: 12,
      pairedSd: 1,
      apparent: 1,
      low: null,
      high: null,
      detectable: 9,
    },
  ],
};

test('a plain run has no such notes', () => {
  assert.equal(runNotes(plain, run.plan), []);
});

test('gaps and the noise floor of primary metrics are sentences with their numbers', () => {
  const [gaps, noise, ...more] = runNotes(told, run.plan);
  assert.equal(more, []);
  assert.is(gaps?.sentences[0], told.gaps[0]?.sentence);
  assert.is(noise?.sentences.length, 1);
  assert.match(
    noise?.sentences[0]?.replaceAll('\u00a0', ' ') ?? '',
    /against itself came out at −0\.2 % \[−0\.9 %, \+0\.4 %\] over 12 rounds; a real difference below 1\.1 % could have gone unseen/,
  );
});

test('the terminal says them too', () => {
  const text = renderAnswer(told, run.plan, { color: false, width: 120 });
  assert.match(text, /What explains the gap\n {2}The VM costs ten times as much/);
  assert.match(text, /What this run takes for noise/);
});

test('trials of spare rounds are counted among those that were tried', () => {
  const counts = { planned: 10, completed: 11, failed: 0, timedOut: 1, invalid: 2, aborted: 0, missing: 0 };
  assert.match(runSentence({ ...plain, counts }, run.plan), /11 of 14 trials gave a value, 3 did not\.$/);
});

test.run();
