import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { packagePath } from '../../results/package-root.ts';
import { hostRecordSchema } from '../../results/record/host.ts';
import { planSchema } from '../../results/record/plan.ts';
import { trialRecordSchema } from '../../results/record/trial.ts';
import { suite } from '../suite.ts';
import { makeRun } from './runs/make-run.ts';

const test = suite('the fixture run');
const folder = packagePath('tests', 'fixtures', 'runs', 'quick');

test('is what its seed gives, byte for byte', async () => {
  const run = makeRun();
  const trials = run.trials.map((trial) => JSON.stringify(trial) + '\n').join('');
  assert.is(await readFile(`${folder}/trials.jsonl`, 'utf8'), trials);
  assert.equal(JSON.parse(await readFile(`${folder}/plan.json`, 'utf8')), run.plan);
});

test('is a valid record of a run', () => {
  const run = makeRun();
  planSchema.parse(run.plan);
  hostRecordSchema.parse(run.host);
  for (const trial of run.trials) trialRecordSchema.parse(trial);
  assert.is(run.trials.length, run.plan.cells.length * run.plan.rounds);
});

test('has every kind of misfortune in it', () => {
  const seen = new Set(makeRun().trials.map((trial) => trial.outcome.status));
  assert.equal([...seen].sort(), ['completed', 'failed', 'invalid', 'timed-out']);
});

test.run();
