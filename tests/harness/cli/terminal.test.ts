import * as assert from 'uvu/assert';
import { exitCodeOf, exitCodeOfRun } from '../../../harness/cli/exit-code.ts';
import { wholeNumber } from '../../../harness/cli/parse-option.ts';
import { roughly, Progress } from '../../../harness/cli/progress.ts';
import { errorText, type Terminal } from '../../../harness/cli/terminal.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { fakeObserver } from '../../fakes/fake-observer.ts';
import { planOf, runFake } from '../../fakes/fake-run.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('command line');

function terminalTo(lines: string[], live: boolean): Terminal {
  return { out: (text) => lines.push(text), err: (text) => lines.push(text), live, color: false, width: 100 };
}

test('exit codes say what kind of end it was', () => {
  assert.is(exitCodeOf(new BenchError('matrix-invalid', 'x')), 2);
  assert.is(exitCodeOf(new BenchError('resume-not-comparable', 'x')), 4);
  assert.is(exitCodeOf(new BenchError('run-interrupted', 'x')), 130);
  assert.is(exitCodeOf(new BenchError('image-build-failed', 'x')), 5);
  assert.is(exitCodeOf(new Error('x')), 5);
  const clean = { planned: 2, completed: 2, failed: 0, timedOut: 0, invalid: 0, aborted: 0, missing: 0 };
  assert.is(exitCodeOfRun(clean, false), 0);
  assert.is(exitCodeOfRun({ ...clean, failed: 1 }, false), 5);
  assert.is(exitCodeOfRun({ ...clean, invalid: 1 }, false), 0);
  assert.is(exitCodeOfRun(clean, true), 130);
});

test('an error is told with what, what next and its code; a defect of ours with its stack', () => {
  assert.is(
    errorText(new BenchError('a-code', 'what', { hint: 'next' })),
    'bench: what\n  → next [a-code]\n',
  );
  assert.match(errorText(new TypeError('oops')), /defect of Tare.*\n.*TypeError: oops\n\s+at /);
});

test('a number option refuses what is not one', () => {
  assert.is(wholeNumber(1, 10)('7'), 7);
  for (const bad of ['0', '11', '-1', '2.5', 'x', '', '1e1'])
    assert.throws(() => wholeNumber(1, 10)(bad), /no whole number/);
});

test('an estimate is told in whole seconds, then in whole minutes', () => {
  const plain = (seconds: number): string => roughly(seconds).replaceAll('\u00a0', ' ');
  assert.is(plain(42.4), '42 s');
  assert.is(plain(119.7), '2 min');
  assert.is(plain(618), '10 min');
  assert.is(plain(3 * 3600 + 310), '3 h 5 min');
});

test('progress off a terminal is a plain line per trial, with round, cell, value and time left', async () => {
  const catalog = { runtimes: [fakeRuntime('box', [])], workloads: [fakeWorkload('work', [])] };
  const plan = planOf('runtimes: { box: }\nworkloads: { work: }\ntrials: { rounds: 2, spare: 0 }\n', catalog);
  const lines: string[] = [];
  const progress = new Progress(terminalTo(lines, false), false);
  progress.planned(plan, '/run', []);
  const records = await runFake(plan, catalog, fakeObserver([]));
  for (const [index, record] of records.entries()) progress.trialEnded(record, records.slice(0, index + 1));
  const text = lines.join('').replaceAll('\u00a0', ' ');
  assert.match(text, /^fake: 1 cell × 2 rounds, about \d+\ss\nrun folder: \/run\n/);
  assert.match(text, /round 1\/2\s+1\/2\s+work\.box\s+100 events\/s\s+ETA/);
  assert.not.match(text, /\x1b/);
});

test('emulation is said loudly before the first trial', () => {
  const catalog = { runtimes: [fakeRuntime('box', [])], workloads: [fakeWorkload('work', [])] };
  const plan = planOf('runtimes: { box: }\nworkloads: { work: }\n', catalog);
  const lines: string[] = [];
  const arms = plan.arms.map((arm) => ({ ...arm, emulated: true }));
  new Progress(terminalTo(lines, false), false).planned({ ...plan, arms }, '/run', []);
  assert.match(lines.join(''), /EMULATED: box/);
});

test.run();
