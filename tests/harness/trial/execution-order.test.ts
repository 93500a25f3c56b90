import * as assert from 'uvu/assert';
import { CALM, fakeObserver } from '../../fakes/fake-observer.ts';
import { planOf, runFake } from '../../fakes/fake-run.ts';
import { fakeRuntime, type Script, type ScriptedStep } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('execution order of a trial');

const MATRIX = 'runtimes: { box: }\nworkloads: { work: }\ntrials: { rounds: 1, spare: 0, timeout: 0.4 }\n';
const T = 'r000-work.box';

const UP_TO_START = [`prepare box`, `start ${T}`];
const INSPECTED = [...UP_TO_START, 'inspect'];
const DESTROYED = [`destroying ${T}`, `destroy ${T}`];

function scripted(
  runtime: Partial<Record<ScriptedStep, Script>>,
  workload: Partial<Record<'setup' | 'run' | 'teardown', Script>>,
) {
  const log: string[] = [];
  const catalog = {
    runtimes: [fakeRuntime('box', log, (step) => runtime[step] ?? {})],
    workloads: [fakeWorkload('work', log, (step) => workload[step] ?? {})],
  };
  return { log, catalog, observer: fakeObserver(log) };
}

async function live(runtime: Parameters<typeof scripted>[0], workload: Parameters<typeof scripted>[1]) {
  const { log, catalog, observer } = scripted(runtime, workload);
  const [record] = await runFake(planOf(MATRIX, catalog), catalog, observer);
  assert.ok(record);
  return { log, record };
}

test('prepare, start, inspect, setup, clock, run, clock, pause, teardown, destroy', async () => {
  const { log, record } = await live({}, {});
  assert.equal(log, [
    ...INSPECTED,
    'setup',
    'clock',
    'window opens',
    'run',
    'window closes',
    'clock',
    `pause ${T}`,
    `resume ${T}`,
    'teardown',
    ...DESTROYED,
  ]);
  assert.is(record.outcome.status, 'completed');
});

test('pause and resume are timed, and a box that cannot pause keeps its measurement', async () => {
  const timed = await live({ pause: { latencyMs: 30 } }, {});
  assert.ok(Number(timed.record.facts.pauseMs) >= 29, String(timed.record.facts.pauseMs));
  assert.ok(Number(timed.record.facts.resumeMs) < Number(timed.record.facts.pauseMs));
  const { log, record } = await live({ pause: { fail: 'not frozen' } }, {});
  assert.is(record.outcome.status, 'completed');
  assert.is(record.facts.pauseMs, undefined);
  assert.equal(log.slice(-5), [`pause ${T}`, `resume ${T}`, 'teardown', ...DESTROYED]);
});

test('a failed prepare fails the trial at start, and starts nothing', async () => {
  const { log, record } = await live({ prepare: { fail: 'no disk' } }, {});
  assert.equal(log, ['prepare box']);
  assert.match(JSON.stringify(record.outcome), /"failed","step":"start".*no disk/);
});

test('a failed start is not followed by anything', async () => {
  const { log, record } = await live({ start: { fail: 'no memory' } }, {});
  assert.equal(log, UP_TO_START);
  assert.match(JSON.stringify(record.outcome), /"failed","step":"start".*no memory/);
});

test('a start that outlives its deadline is destroyed when it comes home', async () => {
  const { log, record } = await live({ start: { latencyMs: 700 } }, {});
  assert.equal(log, [...UP_TO_START, ...DESTROYED]);
  assert.is(record.outcome.status, 'timed-out');
});

test('a failed setup is followed by teardown and destroy, and never by run', async () => {
  const { log, record } = await live({}, { setup: { fail: 'disk full' } });
  assert.equal(log, [...INSPECTED, 'setup', 'teardown', ...DESTROYED]);
  assert.match(JSON.stringify(record.outcome), /"failed","step":"setup".*disk full/);
});

test('a failed run is followed by teardown and destroy', async () => {
  const { log, record } = await live({}, { run: { fail: 'FATAL: errno 22' } });
  assert.equal(log, [...INSPECTED, 'setup', 'clock', 'window opens', 'run', 'teardown', ...DESTROYED]);
  assert.match(JSON.stringify(record.outcome), /"failed","step":"run".*errno 22/);
});

test('a run that hangs ends as timed-out at its deadline, then teardown and destroy', async () => {
  const { log, record } = await live({}, { run: { hang: true } });
  assert.equal(log.slice(-3), ['teardown', ...DESTROYED]);
  assert.match(JSON.stringify(record.outcome), /"timed-out","step":"run"/);
});

test('a failed teardown still destroys, and fails the trial', async () => {
  const { log, record } = await live({}, { teardown: { fail: 'server would not stop' } });
  assert.equal(log.slice(-3), ['teardown', ...DESTROYED]);
  assert.match(JSON.stringify(record.outcome), /"failed","step":"teardown"/);
});

test('the first failure is the one that is told when teardown fails too', async () => {
  const { record } = await live({}, { run: { fail: 'first' }, teardown: { fail: 'second' } });
  assert.match(JSON.stringify(record.outcome), /"step":"run".*first/);
});

test('a failed destroy fails the trial: a host that is not as it was is no success', async () => {
  const { record } = await live({ destroy: { fail: 'mount busy' } }, {});
  assert.match(JSON.stringify(record.outcome), /"failed","step":"destroy".*mount busy/);
});

test('an interrupt in the middle of a run tears down, destroys, and records an aborted trial', async () => {
  const { log, catalog, observer } = scripted({}, { run: { hang: true } });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 100);
  const [record, ...more] = await runFake(planOf(MATRIX, catalog), catalog, observer, { abort });
  assert.equal(log, [...INSPECTED, 'setup', 'clock', 'window opens', 'run', 'teardown', ...DESTROYED]);
  assert.is(record?.outcome.status, 'aborted');
  assert.is(more.length, 0);
});

test('a guest clock that is off fails the trial', async () => {
  const { log, catalog } = scripted({}, {});
  const [record] = await runFake(
    planOf(MATRIX, catalog),
    catalog,
    fakeObserver(log, () => CALM, 0.5),
  );
  assert.match(JSON.stringify(record?.outcome), /clock-drift/);
});

test('where the policy refuses it, a box that was not given the same as the baseline fails before its run', async () => {
  const log: string[] = [];
  const catalog = {
    runtimes: [fakeRuntime('a', log), fakeRuntime('b', log)],
    workloads: [fakeWorkload('work', log)],
  };
  const text = 'runtimes: { a: , b: }\nworkloads: { work: }\ntrials: { rounds: 2, spare: 0 }\n';
  const unequal = fakeObserver(log, undefined, 0, (trial) => (trial % 2 === 0 ? 1 : 2));
  const strict = planOf(`${text}policy: { refuseParityMismatch: true }\n`, catalog);
  const order = ['work.a', 'work.b'];
  const records = await runFake({ ...strict, order: [order, order] }, catalog, unequal);
  assert.equal(
    records.map((record) => ('code' in record.outcome ? record.outcome.code : record.outcome.status)),
    ['completed', 'parity-mismatch', 'completed', 'parity-mismatch'],
  );
  const lax = { ...planOf(text, catalog), order: [order, order] };
  const shown = await runFake(
    lax,
    catalog,
    fakeObserver(log, undefined, 0, (trial) => (trial % 2 === 0 ? 1 : 2)),
  );
  assert.ok(shown.every((record) => record.outcome.status === 'completed'));
});

test.run();
