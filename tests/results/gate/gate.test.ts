import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';
import { exitCodeOfGate } from '../../../harness/cli/gate.ts';
import { annotationsOfGate } from '../../../harness/gate/annotations.ts';
import { gateFileSchema, parseGateConfig, type GateConfig } from '../../../harness/gate/gate-config.ts';
import { gateMatrix } from '../../../harness/gate/interleaved-gate.ts';
import { junitOfGate } from '../../../harness/gate/junit.ts';
import { markdownOfGate } from '../../../harness/gate/markdown.ts';
import { renderGate } from '../../../harness/gate/render-text.ts';
import { gateOneRun, gateTwoRuns } from '../../../harness/gate/stored-gate.ts';
import type { Matrix } from '../../../harness/matrix/matrix.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { packagePath } from '../../../results/package-root.ts';
import { gateSchema, type GateRecord } from '../../../results/record/gate.ts';
import type { HostRecord } from '../../../results/record/host.ts';
import type { Part, Plan } from '../../../results/record/plan.ts';
import { summarySchema, type Comparison } from '../../../results/record/summary.ts';
import type { TrialRecord } from '../../../results/record/trial.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';
import type { Run } from '../../../results/store/read-run.ts';
import { summarize } from '../../../results/summarize/summarize.ts';

const test = suite('gate');
const defaults = parseGateConfig('', 'gate.yaml');
const once = { evenIfNotComparable: false, look: 1, looks: 1 };
const arms = { reference: 'old', candidate: 'new' };

function job(
  effect: (arm: string, workload: string) => number,
  sd = 0.005,
  rounds = 20,
): { plan: Plan; trials: TrialRecord[] } {
  const plan: Plan = {
    ...planFixture({
      rounds,
      arms: ['old', 'new', 'old-control'].map((id) => ({ id, runtime: 'container' })),
    }),
    control: 'old-control',
  };
  const random = seeded(`${sd} ${rounds}`);
  const trials = trialsFixture(plan, (_round, arm, workload) => {
    const cost = Math.exp(effect(arm, workload) + sd * normalDraw(random));
    return workload === 'cpu' ? 1000 / cost : 20 * cost;
  });
  return { plan, trials };
}
const same = job(() => 0);
const slower = job((arm, workload) => (arm === 'new' && workload === 'cpu' ? 0.06 : 0));
const judge = (run: { plan: Plan; trials: TrialRecord[] }, config: GateConfig = defaults): GateRecord =>
  gateOneRun({ ...run, path: '/runs/x' }, arms, { ...once, config });

function refused(act: () => unknown, code: string, message: RegExp): void {
  try {
    act();
  } catch (error) {
    assert.instance(error, BenchError);
    assert.is((error as BenchError).code, code);
    assert.match((error as BenchError).message, message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('passes when nothing changed, and shows what the control and the job could see', () => {
  const gate = judge(same);
  assert.equal(gateSchema.parse(gate), gate);
  assert.is(gate.answer, 'pass');
  assert.equal(gate.metrics.map(({ name }) => name).sort(), ['cpu.rate', 'disk.latency']);
  for (const { control, detectable } of gate.metrics) {
    assert.ok(control && Math.abs(control.apparent - 1) < 0.01);
    assert.ok(detectable !== null && detectable > 0.02 && detectable < 0.05);
  }
});

test('fails on a slowdown, names it first, says by how much', () => {
  const gate = judge(slower);
  assert.is(gate.answer, 'fail');
  assert.is(gate.metrics[0]?.name, 'cpu.rate');
  assert.match(
    gate.metrics[0]?.why ?? '',
    /^\+6\.\d % \(.*20 rounds\) is beyond the tolerated \+2\.0 %; this job could not have seen less than \+\d\.\d %; the control seemed to differ by [+−±]\d\.\d+ %$/,
  );
  assert.match(gate.why, /1 of 2 metrics failed: cpu\.rate/);
});

test('is inconclusive when the noise hides it, and says what could not have been seen', () => {
  const gate = judge(job(() => 0, 0.2));
  assert.is(gate.answer, 'inconclusive');
  assert.match(gate.metrics[0]?.why ?? '', /could not have seen less than \+\d+/);
});

test('a candidate without a valid value fails the gate with its reason', () => {
  const gone = same.trials.filter(({ arm, workload }) => !(arm === 'new' && workload === 'disk'));
  const gate = judge({ plan: same.plan, trials: gone });
  assert.is(gate.answer, 'fail');
  assert.match(gate.metrics[0]?.why ?? '', /cannot be judged: new has no valid value/);
});

test('a required metric that the run does not have fails; an ignored one is not judged; others by name', () => {
  const config = parseGateConfig(
    'metrics:\n  net.rate: { required: true }\n  disk.latency: { ignore: true }\n  instance.startup: { tolerance: 10% }\n',
    'gate.yaml',
  );
  const gate = judge(same, config);
  assert.equal(gate.metrics.map(({ name }) => name).sort(), ['cpu.rate', 'instance.startup', 'net.rate']);
  assert.is(gate.answer, 'fail');
  assert.match(gate.metrics[0]?.why ?? '', /the run has no such metric/);
});

test('an absolute budget on overhead fails although nothing changed between the arms', () => {
  const both = job((arm) => (arm === 'old-control' ? 0 : 0.1));
  const config = parseGateConfig(
    'budgets:\n  - { metric: cpu.rate, arm: new, baseline: old-control, atMost: 1.05 }\n',
    'gate.yaml',
  );
  const gate = judge(both, config);
  assert.is(gate.answer, 'fail');
  assert.is(gate.metrics[0]?.kind, 'budget');
  assert.match(gate.metrics[0]?.why ?? '', /beyond the budget of \+5\.0 %/);
});

test('a control that differs from its twin is warned of', () => {
  const gate = judge(job((arm) => (arm === 'old-control' ? 0.1 : 0)));
  assert.match(gate.warnings.join(), /the control \(the reference against itself\) differs/);
});

test('looks share α: what passes at one look may not at the first of many', () => {
  const run = { ...job(() => 0, 0.005, 6), path: null };
  const at = (looks: number): GateRecord => gateOneRun(run, arms, { ...once, looks, config: defaults });
  assert.is(at(1).answer, 'pass');
  assert.is(at(5).answer, 'inconclusive');
});

test('arms with other builds of a tool are not comparable, unless told', () => {
  const other = same.trials.map((trial) =>
    trial.arm === 'new' && trial.inside
      ? { ...trial, inside: { ...trial.inside, tools: { sysbench: 'ff' } } }
      : trial,
  );
  const run = { plan: same.plan, trials: other };
  refused(() => judge(run), 'gate-not-comparable', /cpu: other builds of sysbench/);
  const told = gateOneRun({ ...run, path: null }, arms, {
    ...once,
    evenIfNotComparable: true,
    config: defaults,
  });
  assert.match(told.warnings.join(), /not comparable, and judged all the same: cpu: other builds/);
});

test('an arm that is not there is named, with the nearest', () => {
  refused(
    () =>
      gateOneRun(
        { ...same, path: null },
        { reference: 'old', candidate: 'nwe' },
        { ...once, config: defaults },
      ),
    'usage-gate',
    /no arm "nwe"; the arms are old, new, old-control/,
  );
});

function stored(run: { plan: Plan; trials: TrialRecord[] }, id: string, fingerprint = 'f1'): Run {
  const machine = { takenAt: '2026-01-01T00:00:00Z', fingerprint, system: { cpu: fingerprint }, load1: 0 };
  const host: HostRecord = {
    schema: 'tare.host/1',
    before: machine,
    after: null,
    tools: {},
    accelerator: null,
  };
  return {
    path: `/runs/${id}`,
    plan: { ...run.plan, runId: id },
    host,
    trials: run.trials,
    matrixText: '',
    warnings: [],
  };
}

test('two runs of one machine are judged arm by arm, with the warning that they were not interleaved', () => {
  const before = stored(
    job(() => 0),
    'before',
  );
  const options = { config: defaults, evenIfNotComparable: false };
  const gate = gateTwoRuns(
    before,
    stored(
      job(() => 0.06),
      'after',
    ),
    options,
  );
  assert.is(gate.answer, 'fail');
  assert.is(gate.metrics.length, 6);
  assert.match(gate.warnings[0] ?? '', /not interleaved/);
});

test('runs of other machines, resources or tools are not comparable', () => {
  const options = { config: defaults, evenIfNotComparable: false };
  const before = stored(same, 'before');
  refused(
    () => gateTwoRuns(before, stored(same, 'after', 'f2'), options),
    'gate-not-comparable',
    /cpu: f1 against f2/,
  );
  const bigger = { ...same, plan: { ...same.plan, resources: { ...same.plan.resources, memoryMiB: 1024 } } };
  refused(
    () => gateTwoRuns(before, stored(bigger, 'after'), options),
    'gate-not-comparable',
    /memory: 512 MiB against 1024/,
  );
  const rebuilt = same.trials.map((trial) =>
    trial.inside ? { ...trial, inside: { ...trial.inside, tools: { sysbench: 'ff' } } } : trial,
  );
  refused(
    () => gateTwoRuns(before, stored({ ...same, trials: rebuilt }, 'after'), options),
    'gate-not-comparable',
    /sysbench: aaaaaaaaaaaa against ff/,
  );
});

const part = (sha256: string, chosen: boolean): Part => ({
  ...{ path: `/opt/${sha256}/qemu-system-x86_64`, version: `QEMU ${sha256}`, sha256, chosen },
});
function withParts(
  run: { plan: Plan; trials: TrialRecord[] },
  parts: Record<string, Record<string, Part>>,
): { plan: Plan; trials: TrialRecord[] } {
  const arms = run.plan.arms.map((arm) => (parts[arm.id] ? { ...arm, parts: parts[arm.id] } : arm));
  return { ...run, plan: { ...run.plan, arms } };
}

test('two arms on other emulators are judged, and the answer says which they were', () => {
  const run = withParts(same, {
    old: { emulator: part('7.2', false), kernel: part('6.1', false) },
    new: { emulator: part('9.0', true), kernel: part('6.1', false) },
  });
  const gate = judge(run);
  assert.is(gate.answer, 'pass');
  assert.equal(gate.differs, [
    'emulator: QEMU 7.2 /opt/7.2/qemu-system-x86_64 (sha256 7.2) against QEMU 9.0 /opt/9.0/qemu-system-x86_64 (sha256 9.0)',
  ]);
  for (const text of [renderGate(gate), markdownOfGate(gate), junitOfGate(gate)])
    assert.match(text, /QEMU 7\.2 .* against QEMU 9\.0/);
  gateSchema.parse(gate);
});

test('between two runs, a part that nobody named and that changed is refused; one that a matrix names is compared', () => {
  const options = { config: defaults, evenIfNotComparable: false };
  const before = stored(withParts(same, { new: { emulator: part('7.2', false) } }), 'before');
  refused(
    () =>
      gateTwoRuns(
        before,
        stored(withParts(same, { new: { emulator: part('7.3', false) } }), 'after'),
        options,
      ),
    'gate-not-comparable',
    /new, emulator: QEMU 7\.2 .* against QEMU 7\.3/,
  );
  const named = gateTwoRuns(
    before,
    stored(withParts(same, { new: { emulator: part('9.0', true) } }), 'after'),
    options,
  );
  assert.match(named.differs?.join() ?? '', /^new, emulator: QEMU 7\.2/);
  // A run from before parts were recorded is no evidence of a difference.
  assert.equal(gateTwoRuns(before, stored(same, 'after'), options).differs, []);
});

test('arms with images of their own may have other builds of a tool; it is said', () => {
  const trials = same.trials.map((trial) =>
    trial.arm === 'new' && trial.inside
      ? { ...trial, inside: { ...trial.inside, tools: { sysbench: 'ff' } } }
      : trial,
  );
  refused(() => judge({ ...same, trials }), 'gate-not-comparable', /other builds of sysbench/);
  const plan = { ...same.plan, image: { digest: 'aa', suite: 'bookworm', packages: {} } };
  const run = withParts({ plan, trials }, { old: {}, new: { image: part('bb', true) } });
  const gate = judge(run);
  assert.match(gate.differs?.join() ?? '', /^image: bookworm the run's guest image \(sha256 aa\) against/);
  assert.match(
    gate.warnings.join(),
    /cpu: other builds of sysbench in the two arms, which came with the images/,
  );
  const pair = (one: Comparison): boolean => one.arm === 'new' && one.workload === 'cpu';
  assert.is(summarize({ plan: same.plan, trials }).comparisons.find(pair)?.overhead, null);
  assert.ok(summarize(run).comparisons.find(pair)?.overhead);
});

test('a run that the gate ended early lacks nothing: its summary says at which look it was stopped', () => {
  const { plan, trials } = job(() => 0, 0.005, 60);
  const early = trials.filter(({ round }) => round < 20);
  const gate = { ...judge({ plan, trials: early }), look: 1, looks: 3, rounds: 20 };
  const summary = summarize({ plan, trials: early, gate });
  assert.is(summary.counts.missing, 0);
  assert.is(summary.counts.planned, early.length);
  assert.equal(
    summary.stopping?.map(({ reason, rounds, why }) => [reason, rounds, why]),
    plan.workloads.map(() => [
      'gate-decided',
      20,
      "stopped at look 1 of 3, after 20 of 60 rounds, by the gate's decision: pass",
    ]),
  );
  assert.equal(
    summary.warnings.filter((warning) => /not run to their end/.test(warning)),
    [],
  );
  summarySchema.parse(summary);
  // An interrupted run, and one that the gate let run on, are not excused.
  assert.is(summarize({ plan, trials: early }).counts.missing, 40 * plan.cells.length);
  const open = { ...gate, answer: 'inconclusive' as const };
  assert.is(summarize({ plan, trials: early, gate: open }).counts.missing, 40 * plan.cells.length);
});

test('the rules file: one message with file:line:col for what is wrong', () => {
  refused(
    () => parseGateConfig('tolerence: 3%\n', 'gate.yaml'),
    'gate-config-invalid',
    /gate\.yaml:1:1: .*tolerence.*did you mean "tolerance"/,
  );
  refused(
    () => parseGateConfig('looks: [20, 10]\n', 'gate.yaml'),
    'gate-config-invalid',
    /looks must ascend/,
  );
  refused(
    () => parseGateConfig('metrics: { cpu: {} }\n', 'gate.yaml'),
    'gate-config-invalid',
    /<workload>\.<metric>/,
  );
  refused(
    () => parseGateConfig('budgets: [{ metric: cpu.rate, arm: a, baseline: b, atMost: 0.5 }]', 'gate.yaml'),
    'gate-config-invalid',
    /atMost/,
  );
  refused(() => parseGateConfig('a: [', 'gate.yaml'), 'gate-config-invalid', /gate\.yaml:1/);
});

test('the rules file that docs/gate.md shows is a valid one', () => {
  const page = readFileSync(packagePath('docs/gate.md'), 'utf8');
  const shown = /```yaml\n(tolerance:[\s\S]*?)```/.exec(page)?.[1];
  const config = parseGateConfig(shown ?? 'missing: true', 'docs/gate.md');
  assert.is(config.budgets.length, 2);
  assert.is(Object.keys(config).length, Object.keys(gateFileSchema.shape).length);
});

test('the job’s matrix holds both arms, the arms of budgets, and the control; as many rounds as the last look', () => {
  const matrix = {
    name: 'm',
    title: 'M',
    baseline: 'native',
    arms: ['native', 'old', 'new', 'vm'].map((id) => ({ id, runtime: 'container', label: id, options: {} })),
    trials: {
      rounds: 6,
      spare: 2,
      timeoutS: 60,
      stopping: { min: 5, max: 6, precision: 0.01, budgetMs: null },
    },
  } as unknown as Matrix;
  const config = parseGateConfig(
    'budgets: [{ metric: cpu.rate, arm: new, baseline: native, atMost: 2 }]',
    'g',
  );
  const made = gateMatrix(matrix, arms, { config, evenIfNotComparable: false });
  assert.equal(
    made.arms.map(({ id }) => id),
    ['native', 'old', 'new', 'old-control'],
  );
  assert.is(made.baseline, 'old');
  assert.is(made.control, 'old-control');
  assert.is(made.trials.rounds, 60);
  assert.is(made.trials.stopping, undefined);
});

test('exit codes: 0, 1, and 3 for inconclusive unless told otherwise', () => {
  assert.is(exitCodeOfGate('pass', 'inconclusive'), 0);
  assert.is(exitCodeOfGate('fail', 'warn'), 1);
  assert.is(exitCodeOfGate('inconclusive', 'inconclusive'), 3);
  assert.is(exitCodeOfGate('inconclusive', 'fail'), 1);
  assert.is(exitCodeOfGate('inconclusive', 'pass'), 0);
});

test('text, JUnit, Markdown and annotations say the same, and hostile names stay text', () => {
  const gate = judge(slower);
  const [worst] = gate.metrics;
  assert.ok(worst);
  const hostile: GateRecord = {
    ...gate,
    metrics: [{ ...worst, name: 'a|b<img>\n::error::\u0001"&' }, ...gate.metrics.slice(1)],
  };
  assert.match(renderGate(gate), /^FAIL: 1 of 2 metrics failed: cpu\.rate/);
  const xml = junitOfGate(hostile);
  assert.match(xml, /tests="2" failures="1" errors="0"/);
  assert.match(xml, /name="a\|b&lt;img&gt;&#10;::error::\uFFFD&quot;&amp;"/);
  const markdown = markdownOfGate(hostile);
  assert.not.match(markdown, /<img>/);
  assert.is(markdown.split('\n').filter((line) => line.startsWith('|')).length, 4);
  const annotations = annotationsOfGate(hostile);
  assert.match(annotations[0] ?? '', /^::error title=/);
  assert.ok(annotations.every((line) => !line.includes('\n')));
  assert.match(annotations.at(-1) ?? '', /^::notice title=bench gate::fail: /);
});

test.run();
