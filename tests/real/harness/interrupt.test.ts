import * as assert from 'uvu/assert';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRun } from '../../../results/store/read-run.ts';
import { suite } from '../../suite.ts';
import { bench, hostState, sawOnStderr, workFolder } from './bench-process.ts';

const test = suite('interrupts, for real');

const MATRIX = `
runtimes: { native: , container: }
workloads: { cpu: { workload: sysbench-cpu, options: { seconds: 2 } } }
policy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000, maxThrottled: 10 }
trials: { rounds: 2, spare: 0 }
`;

function onlyRun(folder: string): string {
  const runs = join(folder, 'results', 'runs');
  const [name] = readdirSync(runs);
  assert.ok(name);
  return join(runs, name);
}

test('Ctrl-C keeps what was measured, cleans up, and --resume goes on in the same order', async () => {
  const folder = workFolder();
  const before = hostState();
  try {
    const running = bench(folder.path, ['run', '--matrix', folder.matrix(MATRIX), '--seed', '7']);
    await sawOnStderr(running, /round 1\/2\s+1\/4/);
    running.kill('SIGINT');
    const ended = await running;
    assert.is(ended.exitCode, 130, String(ended.stderr));
    assert.equal(hostState(), before);
    const run = onlyRun(folder.path);
    assert.ok(existsSync(join(run, 'report.html')));
    const half = await readRun(run);
    assert.ok(half.trials.filter((trial) => trial.outcome.status === 'completed').length >= 1);
    const resumed = await bench(folder.path, ['run', '--resume', run]);
    assert.is(resumed.exitCode, 0, String(resumed.stderr));
    const whole = await readRun(run);
    assert.equal(
      whole.trials.map((trial) => trial.cell),
      whole.plan.order.flat(),
    );
    assert.ok(whole.trials.every((trial) => trial.outcome.status === 'completed'));
  } finally {
    folder.remove();
  }
});

test('what a run ended with SIGKILL leaves is gone after bench clean, and nothing measured is lost', async () => {
  const folder = workFolder();
  const before = hostState();
  try {
    const running = bench(folder.path, ['run', '--matrix', folder.matrix(MATRIX)]);
    await sawOnStderr(running, /round 1\/2\s+1\/4/);
    // Into the next trial's box, so that there is something to leave behind.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    running.kill('SIGKILL');
    await running;
    assert.not.equal(hostState(), before);
    const cleaned = await bench(folder.path, ['clean', '--json']);
    assert.is(cleaned.exitCode, 0, String(cleaned.stderr));
    assert.ok((JSON.parse(String(cleaned.stdout)) as { removed: string[] }).removed.length > 0);
    assert.equal(hostState(), before);
    const { trials } = await readRun(onlyRun(folder.path));
    assert.ok(trials.length >= 1);
  } finally {
    folder.remove();
  }
});

test('a terminal that goes away does not stop the measuring', async () => {
  const folder = workFolder();
  try {
    const running = bench(folder.path, ['run', '--matrix', folder.matrix(MATRIX), '--rounds', '1']);
    await sawOnStderr(running, 'run folder');
    running.stderr?.destroy();
    running.stdout?.destroy();
    await running;
    assert.is(running.exitCode, 0);
    assert.is((await readRun(onlyRun(folder.path))).trials.length, 2);
  } finally {
    folder.remove();
  }
});

test.run();
