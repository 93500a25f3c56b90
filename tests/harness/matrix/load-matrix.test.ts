import * as assert from 'uvu/assert';
import { parseMatrix } from '../../../harness/matrix/load-matrix.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { HOST } from '../../fakes/fake-run.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('matrix file');

const catalog = {
  runtimes: [fakeRuntime('native', []), fakeRuntime('container', [])],
  workloads: [fakeWorkload('sysbench-cpu', [])],
};
const parse = (text: string) => parseMatrix(text, `${process.cwd()}/m.yaml`, catalog, HOST);

function refused(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BenchError, String(error));
    assert.is(error.code, 'matrix-invalid');
    assert.ok(error.hint);
    return error.message;
  }
  throw new Error('the matrix was accepted');
}

const GOOD = 'runtimes:\n  native:\n  container:\nworkloads:\n  cpu: { workload: sysbench-cpu }\n';

test('a small file gets every default', () => {
  const matrix = parse(GOOD);
  assert.is(matrix.name, 'm');
  assert.is(matrix.baseline, 'native');
  assert.equal(matrix.resources, { cpus: 1, memoryMiB: 512, cpuset: undefined });
  assert.is(matrix.trials.rounds, 10);
  assert.is(matrix.trials.spare, 2);
  assert.is(matrix.policy.margin, 0.01);
  assert.equal(matrix.arms[0], {
    id: 'native',
    runtime: 'native',
    label: 'fake native',
    options: { flavour: 'plain' },
  });
});

test('axes make an arm of every combination', () => {
  const matrix = parse(
    'runtimes: { box: { runtime: native, axes: { flavour: [plain, salted] } } }\nworkloads: { w: { workload: sysbench-cpu, axes: { seconds: [1, 2] } } }\n',
  );
  assert.equal(
    matrix.arms.map((arm) => arm.id),
    ['box-plain', 'box-salted'],
  );
  assert.equal(
    matrix.workloads.map((workload) => [workload.id, workload.options]),
    [
      ['w-1', { seconds: 1 }],
      ['w-2', { seconds: 2 }],
    ],
  );
});

test('shares may be written in per cent, memory as a size', () => {
  const matrix = parse(`${GOOD}policy: { margin: 2.5 %, maxSteal: 0.01 }\nresources: { memory: 1GiB }\n`);
  assert.is(matrix.policy.margin, 0.025);
  assert.is(matrix.policy.maxStealShare, 0.01);
  assert.is(matrix.resources.memoryMiB, 1024);
});

test('the rules that void a round have defaults, and the matrix may set each', () => {
  const { maxRunQueue, maxThermalEvents, maxThrottledShare } = parse(GOOD).policy;
  assert.equal([maxRunQueue, maxThermalEvents, maxThrottledShare], [1, 0, 0.01]);
  const own = parse(`${GOOD}policy: { maxRunQueue: 2.5, maxThermalEvents: 3, maxThrottled: 5 % }\n`).policy;
  assert.equal([own.maxRunQueue, own.maxThermalEvents, own.maxThrottledShare], [2.5, 3, 0.05]);
});

test('an unknown key is told with its place and the nearest valid word', () => {
  const message = refused(`${GOOD}trials:\n  rounts: 6\n`);
  assert.match(
    message,
    'm.yaml:7:3: unknown key "rounts" in trials; did you mean "rounds"?; expected one of: rounds',
  );
});

test('a wrong type is told with its place and what was expected', () => {
  assert.match(
    refused(`${GOOD}trials:\n  rounds: many\n`),
    /m\.yaml:7:11: trials\.rounds is "many": expected number/,
  );
});

test('an unknown runtime is told with its place and the nearest valid one', () => {
  const message = refused(
    'runtimes:\n  native:\n  box: { runtime: contianer }\nworkloads:\n  sysbench-cpu:\n',
  );
  assert.match(
    message,
    'm.yaml:3:19: unknown runtime "contianer"; did you mean "container"?; expected one of: native, container',
  );
});

test('an option that the runtime does not have is told where it stands', () => {
  const message = refused(
    'runtimes:\n  native:\n    options: { flavor: plain }\nworkloads:\n  sysbench-cpu:\n',
  );
  assert.match(
    message,
    'm.yaml:3:16: unknown key "flavor" in runtimes.native.options; did you mean "flavour"?',
  );
});

test('an option value outside its words is told with the words', () => {
  const message = refused(
    'runtimes:\n  native:\n    options: { flavour: salty }\nworkloads:\n  sysbench-cpu:\n',
  );
  assert.match(
    message,
    'm.yaml:3:25: runtimes.native.options.flavour is "salty"; did you mean "salted"?; expected one of: plain, salted',
  );
});

test('zero cells is an error', () => {
  assert.match(
    refused('runtimes: {}\nworkloads: { sysbench-cpu: }\n'),
    /no runtimes: the matrix has zero cells/,
  );
  assert.match(refused('runtimes: { native: }\nworkloads: {}\n'), /no workloads: the matrix has zero cells/);
  assert.match(refused(''), /runtimes is missing/);
});

test('more CPUs or memory than the machine has is an error at its place', () => {
  assert.match(
    refused(`${GOOD}resources:\n  cpus: 64\n`),
    /m\.yaml:7:9: resources\.cpus is 64, but this machine has 2/,
  );
  assert.match(
    refused(`${GOOD}resources:\n  memory: 1024GiB\n`),
    /m\.yaml:7:11: .*this machine has 8192 MiB/,
  );
  assert.match(refused(`${GOOD}resources: { cpuset: [7] }\n`), /CPU 7, but this machine has 0, 1/);
});

test('a baseline that is no arm is an error with the nearest arm', () => {
  assert.match(refused(`${GOOD}baseline: nativ\n`), /did you mean "native"/);
});

test('several problems come in one message, a line each', () => {
  const message = refused('runtimes: { natve: }\nworkloads: { sysbnch-cpu: }\nbaseline: x\n');
  assert.is(message.split('\n').length, 3);
});

test('broken YAML is told with its place', () => {
  assert.match(refused('runtimes:\n  native: [\nworkloads: }\n'), /m\.yaml:\d+:\d+: /);
});

test('control adds the baseline a second time', () => {
  const matrix = parse(`${GOOD}control: true\n`);
  assert.is(matrix.control, 'native-control');
  assert.equal(
    matrix.arms.map((arm) => [arm.id, arm.runtime]),
    [
      ['native', 'native'],
      ['container', 'container'],
      ['native-control', 'native'],
    ],
  );
});

test('precision, min, max and budget make the run stop by rule', () => {
  const matrix = parse(`${GOOD}trials: { max: 40, precision: 2 %, budget: 20 min }\n`);
  assert.equal(matrix.trials.stopping, { min: 10, max: 40, precision: 0.02, budgetMs: 1_200_000 });
  assert.is(matrix.trials.rounds, 40);
  assert.is(parse(GOOD).trials.stopping, undefined);
  assert.match(
    refused(`${GOOD}trials: { rounds: 5, precision: 1 % }\n`),
    /trials\.rounds fixes the number of rounds/,
  );
  assert.match(
    refused(`${GOOD}trials: { min: 50, max: 40 }\n`),
    /trials\.min is 50, but the run ends after 40/,
  );
  assert.match(refused(`${GOOD}trials: { budget: soon }\n`), /a time is seconds/);
});

test('two entries that expand to one id are refused', () => {
  const text =
    'runtimes: { b-plain: { runtime: native }, b: { runtime: native, axes: { flavour: [plain] } } }\nworkloads: { sysbench-cpu: }\n';
  assert.match(refused(text), /two runtimes expand to the same id "b-plain"/);
});

test.run();
