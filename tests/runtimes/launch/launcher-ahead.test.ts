import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../results/package-root.ts';
import { ensureLauncher } from '../../../runtimes/launch/ensure-launcher.ts';
import { runPlan, startPlan } from '../../../runtimes/launch/launch.ts';
import { LauncherAhead } from '../../../runtimes/launch/launcher-ahead.ts';
import type { LaunchPlan } from '../../../runtimes/launch/ops.ts';
import { processStartTime } from '../../../runtimes/sweep/owner.ts';
import { suite } from '../../suite.ts';

const test = suite('a launcher started ahead');
const folder = mkdtempSync(join(tmpdir(), 'tare-ahead-test-'));
let launcher = '';
test.before(async () => {
  launcher = await ensureLauncher(folder);
});
test.after(() => rmSync(folder, { recursive: true }));

const sh = (script: string): LaunchPlan => [
  { op: 'exec', argv: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'], search: 1 },
];

test('the one that waits plays the plan, once', async () => {
  const ahead = new LauncherAhead(launcher);
  await ahead.prepare();
  const waiting = ahead.pid;
  assert.ok(waiting);
  await ahead.prepare();
  assert.is(ahead.pid, waiting, 'a second was made while one waits');
  const first = await runPlan({ launcher, plan: sh('echo $$; echo err >&2; exit 7'), ahead });
  assert.equal([first.stdout, first.stderr, first.exitCode], [`${waiting}\n`, 'err\n', 7]);
  assert.is(ahead.pid, null);
  const second = await runPlan({ launcher, plan: sh('echo $$'), ahead });
  assert.is.not(second.stdout, first.stdout);
});

test('one that died meanwhile is not used', async () => {
  const ahead = new LauncherAhead(launcher);
  await ahead.prepare();
  process.kill(ahead.pid ?? 0, 'SIGKILL');
  while (ahead.pid !== null && processStartTime(ahead.pid) !== undefined) await sleep(5);
  await sleep(20);
  assert.is((await runPlan({ launcher, plan: sh('echo lives'), ahead })).stdout, 'lives\n');
});

test('a request with other streams, or for another launcher, leaves it waiting', async () => {
  const ahead = new LauncherAhead(launcher);
  await ahead.prepare();
  const waiting = ahead.pid;
  assert.is((await runPlan({ launcher, plan: sh('cat'), stdin: 'in', ahead })).stdout, 'in');
  const other = new LauncherAhead('/no/such/launcher');
  await other.prepare();
  assert.is(other.pid, null);
  const launched = await startPlan({ launcher, plan: sh('true'), ahead: other });
  await launched.exited;
  assert.is(ahead.pid, waiting);
  ahead.close();
  assert.is(ahead.pid, null);
});

test('it ends with its owner, and does not keep it alive', async () => {
  const script = `
    import { LauncherAhead } from ${JSON.stringify(packagePath('runtimes', 'launch', 'launcher-ahead.ts'))};
    const ahead = new LauncherAhead(${JSON.stringify(launcher)});
    await ahead.prepare();
    console.log(ahead.pid);
    if (process.argv.at(-1) === 'stay') setInterval(() => undefined, 1000);`;
  for (const how of ['leave', 'stay']) {
    const owner = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script, '--', how],
      {
        cwd: packagePath(),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const said = await new Promise<string>((resolve) => {
      owner.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      owner.once('exit', () => resolve(''));
    });
    const pid = Number(said);
    assert.ok(pid > 0);
    if (how === 'stay') owner.kill('SIGKILL');
    await new Promise((resolve) =>
      owner.exitCode === null && owner.signalCode === null ? owner.once('exit', resolve) : resolve(null),
    );
    for (let tries = 0; tries < 100 && processStartTime(pid) !== undefined; tries++) await sleep(20);
    assert.is(processStartTime(pid), undefined, `the launcher outlived its owner (${how})`);
  }
});

test.run();
