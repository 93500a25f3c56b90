import { execa } from 'execa';
import { appendFile, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialFixture, trialsFixture } from '../run-fixture.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { packagePath } from '../../../results/package-root.ts';
import { listRuns } from '../../../results/store/list-runs.ts';
import { readRun } from '../../../results/store/read-run.ts';
import { RunFolder } from '../../../results/store/run-folder.ts';
import { summarize } from '../../../results/summarize/summarize.ts';

const test = suite('store of runs');
const plan = planFixture();
const trials = trialsFixture(plan, (round) => 100 + round);
let runs = '';

test.beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'tare-store-'));
});
test.afterEach(() => rm(runs, { recursive: true, force: true }));

async function written(records = trials): Promise<RunFolder> {
  const folder = await RunFolder.create(runs, plan, 'name: fixture\n');
  await using journal = await folder.journal();
  for (const record of records) await journal.append(record);
  return folder;
}

async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, BenchError);
    assert.is((error as BenchError).code, code, (error as BenchError).message);
    assert.match((error as BenchError).message, message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('what was written is read back', async () => {
  const folder = await written();
  const run = await readRun(folder.path);
  assert.equal(run.plan, plan);
  assert.equal(run.trials, trials);
  assert.is(run.matrixText, 'name: fixture\n');
  assert.is(run.host, null);
  assert.equal(run.warnings, []);
  await folder.writeSummary(summarize(run));
  assert.is(JSON.parse(await readFile(folder.file('summary'), 'utf8')).runId, plan.runId);
});

test('concurrent appends stay whole lines in order', async () => {
  const folder = await RunFolder.create(runs, plan, '');
  const journal = await folder.journal();
  await Promise.all(trials.map((trial) => journal.append(trial)));
  await journal.close();
  assert.equal((await readRun(folder.path)).trials, trials);
});

test('a record that could not be read back is not written', async () => {
  const folder = await RunFolder.create(runs, plan, '');
  await using journal = await folder.journal();
  const bad = trialFixture(plan, 0, 'cpu.vm', NaN);
  await refused(journal.append(bad), 'journal-invalid-record', /r0-cpu\.vm: outcome/);
  await journal.append(trials[0] as (typeof trials)[number]);
  assert.is((await readRun(folder.path)).trials.length, 1);
});

test('every appended trial is on disk although the writer is killed, and a torn line is forgiven, then mended', async () => {
  const folder = await written(trials.slice(0, 2));
  const script = `
    import { RunFolder } from ${JSON.stringify(packagePath('results/store/run-folder.ts'))};
    const folder = await RunFolder.open(${JSON.stringify(folder.path)});
    const journal = await folder.journal();
    for (const record of ${JSON.stringify(trials.slice(2, 6))}) { await journal.append(record); console.log(record.trial); }
    process.kill(process.pid, 'SIGKILL');`;
  const file = join(runs, 'writer.mts');
  await writeFile(file, script);
  const killed = await execa('node', ['--import', packagePath('node_modules/tsx/dist/loader.mjs'), file], {
    reject: false,
    timeout: 20_000,
  });
  assert.is(killed.signal, 'SIGKILL', killed.stderr);
  assert.is(killed.stdout.split('\n').length, 4);
  await appendFile(folder.file('trials'), JSON.stringify(trials[6]).slice(0, 200));

  const torn = await readRun(folder.path);
  assert.equal(torn.trials, trials.slice(0, 6));
  assert.is(torn.warnings.length, 1);
  assert.match(torn.warnings[0] ?? '', /trials\.jsonl:7: the last line was cut off/);

  const journal = await folder.journal();
  await journal.append(trials[6] as (typeof trials)[number]);
  await journal.close();
  const mended = await readRun(folder.path);
  assert.equal(mended.trials, trials.slice(0, 7));
  assert.equal(mended.warnings, []);
  assert.is((await readFile(folder.file('trials') + '.torn', 'utf8')).length, 201);
});

test('a broken line that is not the last is refused with its number', async () => {
  const folder = await written(trials.slice(0, 2));
  await appendFile(folder.file('trials'), '{"schema":\n' + JSON.stringify(trials[2]) + '\n');
  await refused(readRun(folder.path), 'bad-json', /trials\.jsonl:3: not JSON/);
});

test('a last line that is whole but not a record is refused, newline or not', async () => {
  const folder = await written(trials.slice(0, 1));
  await appendFile(folder.file('trials'), '{"schema":"tare.trial/1"}');
  await refused(readRun(folder.path), 'bad-record', /trials\.jsonl:2: /);
});

test('of a trial that occurs twice the last that was not aborted wins', async () => {
  const aborted = trialFixture(plan, 1, 'cpu.vm', 0, {
    outcome: { status: 'aborted', step: 'run', reason: 'interrupted' },
  });
  const first = trialFixture(plan, 1, 'cpu.vm', 5);
  const second = trialFixture(plan, 1, 'cpu.vm', 6);
  assert.equal((await readRun((await written([aborted, first, second, aborted])).path)).trials, [second]);
});

test('a newer schema is named, with what this version reads', async () => {
  const folder = await written();
  await appendFile(folder.file('trials'), JSON.stringify({ ...trials[0], schema: 'tare.trial/2' }) + '\n');
  await refused(readRun(folder.path), 'newer-schema', /tare\.trial\/2; this one reads tare\.trial\/1/);
});

test('a trial of a cell that the plan does not have is refused', async () => {
  const folder = await written();
  await appendFile(folder.file('trials'), JSON.stringify({ ...trials[0], arm: 'other' }) + '\n');
  await refused(readRun(folder.path), 'bad-record', /a cell that the plan does not have/);
});

test('symbolic links, folders in place of files and absurd sizes are refused', async () => {
  const folder = await written();
  await rename(folder.file('trials'), join(runs, 'elsewhere'));
  await symlink(join(runs, 'elsewhere'), folder.file('trials'));
  await refused(readRun(folder.path), 'file-not-regular', /symbolic link/);
  await rm(folder.file('trials'));
  await writeFile(folder.file('matrix'), '');
  await truncate(folder.file('matrix'), 5 * 2 ** 20);
  await refused(readRun(folder.path), 'file-too-large', /matrix\.yaml has 5242880 bytes/);
  await rm(folder.file('plan'));
  await refused(readRun(folder.path), 'not-a-run', /no plan\.json/);
});

test('a run is never overwritten, and an id cannot leave its folder', async () => {
  await written();
  await refused(RunFolder.create(runs, plan, ''), 'run-exists', /exists already/);
  await refused(RunFolder.create(runs, { ...plan, runId: '../out' }, ''), 'bad-name', /cannot be the name/);
  const folder = await RunFolder.open(join(runs, plan.runId));
  await refused(folder.logDir('..'), 'bad-name', /cannot be the name/);
});

test('runs are listed by age; one that cannot be read is listed with why; other folders are not runs', async () => {
  await written();
  const older = await RunFolder.create(
    runs,
    { ...plan, runId: 'older', createdAt: '2025-01-01T00:00:00Z' },
    '',
  );
  const broken = await RunFolder.create(runs, { ...plan, runId: 'broken' }, '');
  await writeFile(broken.file('plan'), '{');
  await rm(older.file('matrix'));
  const listed = await listRuns(runs);
  assert.equal(
    listed.map((run) =>
      run.readable ? [run.plan.runId, run.recorded, run.planned] : run.problem.includes('not JSON'),
    ),
    [true, ['older', 0, 32], [plan.runId, 32, 32]],
  );
  assert.equal(await listRuns(join(runs, 'nowhere')), []);
});

test('trials share what is equal in them and nothing that is not', async () => {
  const told = trials.map((trial, i) => ({
    ...trial,
    inside: trial.inside && {
      ...trial.inside,
      memTotalMiB: trial.round === 2 ? 1 : 470,
      tools: { sysbench: trial.round === 3 ? 'other' : 'same', ...(trial.round === 4 && { fio: 'x' }) },
    },
    facts: { accelerator: 'kvm', bootMs: trial.round < 6 ? 100 : i },
  }));
  const { trials: read } = await readRun((await written(told)).path);
  assert.equal(read, told);
  const of = (round: number) =>
    read.find((trial) => trial.round === round && trial.cell === plan.cells[0]?.id);
  assert.ok(of(0)?.inside && of(0)?.inside === of(1)?.inside && of(0)?.facts === of(1)?.facts);
  assert.is.not(of(2)?.inside, of(1)?.inside);
});

test.run();
