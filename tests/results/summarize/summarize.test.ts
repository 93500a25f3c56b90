import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialFixture, trialsFixture } from '../run-fixture.ts';
import type { BenchError } from '../../../results/bench-error.ts';
import { summarySchema } from '../../../results/record/summary.ts';
import { summarize } from '../../../results/summarize/summarize.ts';

const test = suite('summary of a run');

const plan = planFixture();
/** The VM is a tenth slower in cpu, and equal in disk. */
const value = (round: number, arm: string, workload: string): number => {
  const wobble = 1 + ((round * 7 + (arm === 'vm' ? 3 : 0)) % 5) / 10_000;
  return workload === 'cpu' ? 1000 * wobble * (arm === 'vm' ? 0.9 : 1) : 20 * wobble;
};
const trials = trialsFixture(plan, value);

test('fits its schema and is the same every time', () => {
  const summary = summarize({ plan, trials });
  assert.equal(summarySchema.parse(summary), summary);
  assert.equal(summarize({ plan, trials }), summary);
});

test('verdicts per workload against the baseline', () => {
  const { comparisons } = summarize({ plan, trials });
  const verdicts = Object.fromEntries(
    comparisons.map((one) => [`${one.workload} ${one.metric}`, one.verdict]),
  );
  assert.is(verdicts['cpu rate'], 'worse');
  assert.is(verdicts['disk latency'], 'equivalent');
});

test('the box itself: start-up, idle memory and host CPU per window, per round and arm', () => {
  const { cells, comparisons } = summarize({ plan, trials });
  const cell = cells.find(({ metric, arm }) => metric === 'memory_pss' && arm === 'vm');
  assert.is(cell?.workload, 'instance');
  assert.is(cell?.median, 96);
  assert.is(cell?.n, plan.rounds);
  const startup = comparisons.find(({ metric }) => metric === 'startup');
  assert.ok(Math.abs((startup?.overhead ?? 0) - 150) < 1e-9);
  assert.is(startup?.verdict, 'worse');
});

test('costs of a box come from where they are recorded, and only where they are', () => {
  const cold = {
    startProcessMs: 60,
    startFirmwareMs: 3000,
    startKernelMs: 900,
    startUserspaceMs: 40_000,
    guestMemoryUsedMiB: 42.5,
    startModulesMs: 200,
    startRootMs: 100,
    pauseMs: 2,
    resumeMs: 1,
  };
  const seen = trials.map((trial) =>
    trial.arm === 'vm' ? { ...trial, facts: { ...trial.facts, ...cold } } : trial,
  );
  const { cells } = summarize({ plan, trials: seen });
  const medians = (arm: string) =>
    Object.fromEntries(
      cells
        .filter(
          (one) =>
            one.arm === arm &&
            one.workload === 'instance' &&
            /^(start_|pause|resume|state|guest_)/.test(one.metric),
        )
        .map(({ metric, median }) => [metric, median]),
    );
  assert.equal(medians('vm'), {
    start_process: 60,
    start_firmware: 3000,
    start_kernel: 900,
    start_userspace: 300,
    start_system: 40_000,
    guest_memory: 42.5,
    pause: 2,
    resume: 1,
  });
  assert.equal(medians('native'), {});
});

test('host CPU time per unit of work is CPU time over rate times window, for rates only', () => {
  const run = { cpuMs: 900, memoryPssBytes: null, memoryCgroupBytes: null };
  const io = { ioReadBytes: null, ioWriteBytes: null, diskBytes: null };
  const working = trials.map((trial) => ({
    ...trial,
    cost: { idle: null, run: { ...run, ...io } },
    disturbance: trial.disturbance && { ...trial.disturbance, windowMs: 2000 },
  }));
  const { cells, comparisons } = summarize({ plan, trials: working });
  const costs = cells.filter(({ metric }) => metric === 'host_cpu_per_unit');
  assert.equal(
    costs.map(({ workload, arm, unit }) => `${workload} ${arm} ${unit}`),
    ['cpu native CPU µs/event', 'cpu vm CPU µs/event'],
  );
  // 900 ms of CPU time for 2 s of about 1,000 events/s.
  assert.ok(Math.abs((costs[0]?.median ?? 0) - 450) < 1, String(costs[0]?.median));
  const worse = comparisons.find(({ metric }) => metric === 'host_cpu_per_unit');
  assert.ok(Math.abs((worse?.overhead ?? 0) - 1 / 0.9) < 0.001, 'the slower box pays more for each event');
});

test('an invalid trial voids its round for every arm of its workload and for no other workload', () => {
  const disturbed = trials.map((trial) =>
    trial.trial === 'r3-cpu.vm'
      ? { ...trial, outcome: { status: 'invalid' as const, reasons: ['steal 20 %'], observed: [] } }
      : trial,
  );
  const { cells, comparisons, voidedRounds, counts, warnings } = summarize({ plan, trials: disturbed });
  const n = (workload: string, arm: string): number | undefined =>
    cells.find((cell) => cell.workload === workload && cell.arm === arm)?.n;
  assert.is(n('cpu', 'native'), 7);
  assert.is(n('cpu', 'vm'), 7);
  assert.is(n('disk', 'native'), 8);
  assert.is(cells.find(({ workload }) => workload === 'cpu')?.voidedRounds, 1);
  assert.is(comparisons.find(({ workload }) => workload === 'cpu')?.n, 7);
  assert.equal(voidedRounds, [{ round: 3, reasons: ['cpu (trial r3-cpu.vm): steal 20 %'] }]);
  assert.is(counts.invalid, 1);
  assert.is(counts.completed, 31);
  assert.ok(warnings.some((warning) => warning.includes('void')));
});

test('failed and missing trials are counted and warned of, and leave their arm a round short', () => {
  const failed = trials.slice(0, -1).map((trial) =>
    trial.trial === 'r0-disk.vm'
      ? {
          ...trial,
          outcome: {
            status: 'failed' as const,
            step: 'run' as const,
            code: 'x',
            message: 'm',
            hint: null,
            log: null,
          },
        }
      : trial,
  );
  const { counts, comparisons, warnings } = summarize({ plan, trials: failed });
  assert.is(counts.failed, 1);
  assert.is(counts.missing, 1);
  assert.is(comparisons.find(({ workload }) => workload === 'disk')?.n, 7);
  assert.ok(warnings.some((warning) => warning.startsWith('1 of 32 trials failed')));
});

test('parity: what differs by nature is shown, what must match is warned of, guest RAM within its kernel’s share matches', () => {
  const { parity, warnings } = summarize({ plan, trials });
  const row = (what: string): boolean | undefined => parity.find((one) => one.what === what)?.matches;
  assert.is(row('CPUs'), true);
  assert.is(row('memory'), true);
  assert.is(row('virtualisation'), false);
  assert.not.ok(warnings.some((warning) => warning.includes('virtualisation')));
  const more = trials.map((trial) =>
    trial.arm === 'vm' && trial.inside ? { ...trial, inside: { ...trial.inside, nproc: 2 } } : trial,
  );
  const unequal = summarize({ plan, trials: more });
  assert.ok(unequal.warnings.includes('the arms did not see the same CPUs: native 1, vm 2'));
});

test('arms that ran different builds of a tool are not compared', () => {
  const other = trials.map((trial) =>
    trial.arm === 'vm' && trial.workload === 'cpu' && trial.inside
      ? { ...trial, inside: { ...trial.inside, tools: { sysbench: 'bbbb' } } }
      : trial,
  );
  const { comparisons } = summarize({ plan, trials: other });
  const cpu = comparisons.find(({ workload }) => workload === 'cpu');
  assert.is(cpu?.overhead, null);
  assert.match(cpu?.problem ?? '', /different builds of sysbench/);
  assert.is(comparisons.find(({ workload }) => workload === 'disk')?.problem, null);
});

test('an emulated arm is named, and a box that beats native is flagged', () => {
  const emulated = planFixture({
    arms: [
      { id: 'native', runtime: 'native' },
      { id: 'vm', runtime: 'qemu', emulated: true },
    ],
  });
  const fast = trialsFixture(emulated, (round, arm, workload) =>
    value(round, arm === 'vm' ? 'native' : 'vm', workload),
  );
  const { warnings } = summarize({ plan: emulated, trials: fast });
  assert.ok(warnings.some((warning) => warning.includes('emulated in software (TCG)')));
  assert.ok(warnings.some((warning) => warning.includes('vm beats native in cpu rate')));
});

test('published numbers stand beside ours: the homework’s as VM against container, others against native', () => {
  const three = planFixture({
    arms: [
      { id: 'native', runtime: 'native' },
      { id: 'box', runtime: 'container' },
      { id: 'vm', runtime: 'qemu' },
    ],
    published: ['cloud-hw-1', 'felter-1', 'no-such-id'],
  });
  const { published, warnings } = summarize({ plan: three, trials: trialsFixture(three, value) });
  const cpu = published.filter(({ workload }) => workload === 'cpu');
  const homework = cpu.filter(({ id }) => id === 'cloud-hw-1');
  assert.is(homework.length, 1);
  assert.is(homework[0]?.arm, 'vm');
  assert.is(homework[0]?.baseline, 'box');
  assert.is(homework[0]?.published, 18630 / 18486);
  assert.is(homework[0]?.agrees, false);
  const felter = cpu.filter(({ id }) => id === 'felter-1');
  assert.equal(
    felter.map(({ arm, baseline }) => [arm, baseline]),
    [
      ['box', 'native'],
      ['vm', 'native'],
    ],
  );
  assert.is(felter[1]?.published, 290.829 / 284.199);
  assert.ok(warnings.some((warning) => warning.includes("no published result 'no-such-id'")));
});

test('a sample that contradicts the plan is refused', () => {
  const odd = trialFixture(plan, 0, 'cpu.vm', 1, {
    outcome: { status: 'completed', samples: [{ metric: 'rate', unit: 'MiB/s', value: 1 }] },
  });
  try {
    summarize({ plan, trials: [odd] });
    assert.unreachable();
  } catch (error) {
    assert.is((error as BenchError).code, 'bad-sample');
  }
});

test.run();
