import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { MATRIX_DEFAULTS } from '../../../harness/matrix/defaults.ts';
import { readRun } from '../../../results/store/read-run.ts';
import { suite } from '../../suite.ts';
import { gateJob } from '../../bench/gate/gate-job.ts';

const test = suite('gate, for real');
let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-gate-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

// A quota of 10 % binds whatever share of the CPU neighbours leave; the finer one of 95 % is `npm run bench:gate`, on a quiet machine.
test('an injected slowdown (a CPU quota) fails the gate, at the first look that can', async () => {
  const gate = await gateJob(folder, { quota: 0.1, looks: [8, 12], seed: 'slow' });
  assert.is(gate.answer, 'fail', gate.why);
  assert.is(gate.look, 1);
  assert.ok((gate.metrics[0]?.change ?? 0) > 1.5, gate.metrics[0]?.why);
  // The plan voids what a quota around the run stops; this one was asked for, so it is seen and voids nothing.
  const { plan, trials } = await readRun(gate.run ?? '');
  assert.is(plan.policy.maxThrottledShare, MATRIX_DEFAULTS.maxThrottledShare);
  for (const { arm, outcome, disturbance } of trials) {
    assert.is(outcome.status, 'completed', JSON.stringify(outcome));
    assert.is(
      (disturbance?.throttledMs ?? 0) > 100,
      arm === 'changed',
      `${arm}: ${disturbance?.throttledMs} ms`,
    );
  }
});

test('native against native does not fail', async () => {
  const gate = await gateJob(folder, { quota: null, looks: [8], seed: 'same' });
  assert.is.not(gate.answer, 'fail', gate.why);
  assert.ok(gate.metrics[0]?.control, 'the job had no A/A control');
});

test.run();
