import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../results/package-root.ts';
import { gateSchema } from '../../../results/record/gate.ts';
import type { Plan } from '../../../results/record/plan.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';
import { planFixture, trialsFixture } from '../../results/run-fixture.ts';
import { suite } from '../../suite.ts';
import { runAction, runGitlabJob, type ActionResult } from './ci/composite-action.ts';

const test = suite('the GitHub action and the GitLab job, for real');

let workspace = '';
test.before(() => {
  workspace = mkdtempSync(join(tmpdir(), 'tare-action-'));
});
test.after(() => rmSync(workspace, { recursive: true, force: true }));

/** A finished run of the arms old and new in which new costs `cost` times as much, at a paired scatter of `sd`. */
function finishedRun(name: string, cost: number, sd = 0.005): string {
  const plan: Plan = {
    ...planFixture({ rounds: 20, arms: ['old', 'new', 'old-control'].map((id) => ({ id })) }),
    control: 'old-control',
  };
  const random = seeded(name);
  const trials = trialsFixture(plan, (_round, arm, workload) => {
    const slow = (arm === 'new' ? cost : 1) * Math.exp(sd * normalDraw(random));
    return workload === 'cpu' ? 1000 / slow : 20 * slow;
  });
  const folder = join(workspace, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(folder, 'trials.jsonl'), trials.map((trial) => `${JSON.stringify(trial)}\n`).join(''));
  return folder;
}

const gate = (run: string, more: Record<string, string> = {}): Promise<ActionResult> =>
  runAction(packagePath('.'), workspace, { run, reference: 'old', candidate: 'new', ...more });

test('it asks for a Node that Tare runs on, and for nothing else', async () => {
  const { uses } = await gate(finishedRun('a-pass', 1));
  assert.equal(uses, [{ uses: 'actions/setup-node@v4', with: { 'node-version': 20 } }]);
});

test('passed: exit code 0, outputs, a summary, a notice, and nothing marked', async () => {
  const { exitCode, outputs, summary, annotations, log } = await gate(finishedRun('pass', 1));
  assert.is(exitCode, 0, log);
  assert.equal([outputs['answer'], outputs['exit-code']], ['pass', '0']);
  const record = gateSchema.parse(JSON.parse(readFileSync(outputs['record'] ?? '', 'utf8')));
  assert.is(record.answer, 'pass');
  assert.match(readFileSync(outputs['junit'] ?? '', 'utf8'), /<testsuites name="bench gate"/);
  assert.match(summary, /^## ✅ pass: new against old/m);
  assert.match(summary, /could have seen \| A\/A control/);
  assert.equal(
    annotations.map(({ kind }) => kind),
    ['notice'],
  );
});

test('failed: exit code 1, an error at each metric that got worse, outputs all the same', async () => {
  const { exitCode, outputs, summary, annotations, log } = await gate(finishedRun('fail', 1.1));
  assert.is(exitCode, 1, log);
  assert.equal([outputs['answer'], outputs['exit-code']], ['fail', '1']);
  const errors = annotations.filter(({ kind }) => kind === 'error');
  assert.equal(errors.map(({ title }) => title).sort(), ['bench gate: cpu.rate', 'bench gate: disk.latency']);
  for (const { message } of errors)
    assert.match(
      message,
      /\+\d+\.\d % .* is beyond the tolerated \+2\.0 %; this job could not have seen less than/,
    );
  assert.match(summary, /❌ fail/);
});

test('inconclusive: exit code 3 and warnings, unless the workflow says how it is to end', async () => {
  const run = finishedRun('noisy', 1, 0.2);
  const asItIs = await gate(run);
  assert.equal(
    [asItIs.exitCode, asItIs.outputs['answer'], asItIs.outputs['exit-code']],
    [3, 'inconclusive', '3'],
  );
  assert.ok(asItIs.annotations.some(({ kind }) => kind === 'warning'));
  const letPass = await gate(run, { 'on-inconclusive': 'pass' });
  assert.equal(
    [letPass.exitCode, letPass.outputs['answer'], letPass.outputs['exit-code']],
    [0, 'inconclusive', '0'],
  );
  assert.is((await gate(run, { 'on-inconclusive': 'fail' })).exitCode, 1);
});

test('its own rules: a file of the workspace', async () => {
  writeFileSync(join(workspace, 'mine.yaml'), 'tolerance: 30%\n');
  const { exitCode, log } = await gate(finishedRun('tolerated', 1.1), { config: 'mine.yaml' });
  assert.is(exitCode, 0, log);
});

test('what cannot be judged ends with its own code, without an answer of an earlier job', async () => {
  const { exitCode, outputs, log } = await gate('no-such-run');
  assert.is.not(exitCode, 0);
  assert.equal([outputs['answer'], outputs['record']], ['', '']);
  assert.match(log, /no-such-run/);
});

test('a name that is a command stays a name', async () => {
  const bait = '$(touch bait)`touch bait`"; touch bait; "';
  const { exitCode, log } = await gate(finishedRun('names', 1), { candidate: bait });
  assert.is(exitCode, 2, log);
  assert.throws(() => readFileSync(join(workspace, 'bait')), /ENOENT/);
});

test('GitLab: the script of the example measures, writes what it says it keeps, and ends with the gate’s code', async () => {
  symlinkSync(packagePath('bench'), join(workspace, 'bench'));
  writeFileSync(
    join(workspace, 'my.yaml'),
    `runtimes: { old: { runtime: native }, new: { runtime: native } }
workloads: { cpu: { workload: sysbench-cpu, options: { seconds: 1 } } }
policy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000, maxThrottled: 10 }
trials: { spare: 0 }
`,
  );
  writeFileSync(join(workspace, 'bench.gate.yaml'), 'looks: [6]\ntolerance: 50%\n');
  const { exitCode, log, artifacts } = await runGitlabJob(
    packagePath('docs', 'examples', 'gitlab-ci.yml'),
    'gate',
    workspace,
  );
  // Six rounds of the same: on a quiet machine it passes, on a noisy one it may not know; it cannot fail.
  assert.ok(exitCode === 0 || exitCode === 3, log);
  assert.equal(
    artifacts.filter(({ exists }) => !exists),
    [],
    log,
  );
  assert.match(readFileSync(join(workspace, 'gate.xml'), 'utf8'), /testcase/);
});

test.run();
