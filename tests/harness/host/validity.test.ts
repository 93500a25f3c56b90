import * as assert from 'uvu/assert';
import {
  clockFailure,
  invalidReasons,
  parityFacts,
  parityMismatches,
} from '../../../harness/host/validity.ts';
import type { Disturbance, Inside } from '../../../results/record/trial.ts';
import { suite } from '../../suite.ts';

const test = suite('what makes a trial invalid');

const calm: Disturbance = {
  windowMs: 4000,
  stealMs: 0,
  measuredBusyMs: 4000,
  foreignMs: 0,
  harnessCpuMs: 1,
  load1: 1,
  cpuPressureUs: null,
  ioPressureUs: null,
  memoryPressureUs: null,
  throttledMs: null,
};
const policy = { maxStealShare: 0.02, maxForeignCpuShare: 0.1, maxClockDrift: 0.01 };

const inside: Inside = {
  nproc: 1,
  memTotalMiB: 24_000,
  cpuModel: 'Some CPU',
  cpuFlagsHash: 'a'.repeat(64),
  cpuFlagCount: 100,
  clocksource: 'tsc',
  virtualization: 'none',
  kernel: '6.1.0',
  memoryLimitMiB: 512,
  tools: { sysbench: 'b'.repeat(64) },
};

test('a calm window is valid', () => {
  assert.equal(invalidReasons(calm, policy), []);
});

test('steal above the limit voids, with the numbers', () => {
  assert.equal(invalidReasons({ ...calm, stealMs: 91 }, policy), [
    'another guest of the same host (steal) took 91 ms of 4000 ms on the measured CPUs (limit 2 %)',
  ]);
  assert.equal(invalidReasons({ ...calm, stealMs: 90 }, policy), []); // one tick is within rounding
});

test('foreign work above the limit voids; both are told', () => {
  assert.equal(invalidReasons({ ...calm, stealMs: 500, foreignMs: 420 }, policy).length, 2);
  assert.match(
    invalidReasons({ ...calm, foreignMs: 420 }, policy)[0]!,
    'work that was not the instance took 420 ms',
  );
});

test('the shares are of all measured CPUs together', () => {
  assert.equal(invalidReasons({ ...calm, foreignMs: 600 }, policy, 2), []);
  assert.is(invalidReasons({ ...calm, foreignMs: 600 }, policy, 1).length, 1);
});

const all = { ...policy, maxRunQueue: 1, maxThermalEvents: 0, maxThrottledShare: 0.01 };

test('others’ tasks ready to run above the limit void', () => {
  assert.equal(invalidReasons({ ...calm, runQueuePerCpu: 1 }, all), []);
  assert.match(
    invalidReasons({ ...calm, runQueuePerCpu: 1.5 }, all).join(),
    'others had 1.5 tasks per CPU ready to run, before and after the window (limit 1)',
  );
});

test('one thermal event voids where none is allowed', () => {
  assert.equal(invalidReasons({ ...calm, thermalEvents: 0 }, all), []);
  assert.match(
    invalidReasons({ ...calm, thermalEvents: 2 }, all).join(),
    'slowed for heat 2 times (limit 0)',
  );
  assert.equal(invalidReasons({ ...calm, thermalEvents: 2 }, { ...all, maxThermalEvents: 2 }), []);
});

test('a quota around the run voids by its share of the wall time, on however many CPUs', () => {
  assert.equal(invalidReasons({ ...calm, runThrottledMs: 40 }, all), []);
  for (const cpus of [1, 8])
    assert.match(
      invalidReasons({ ...calm, runThrottledMs: 41 }, all, cpus).join(),
      'a CPU quota around the run, not of the matrix, stopped it for 41 ms of 4000 ms (limit 1 %)',
    );
});

test('a quota that the matrix gave the box does not void its own trials', () => {
  assert.equal(invalidReasons({ ...calm, throttledMs: 3000 }, all), []);
});

test('what the kernel does not tell, and what an older plan does not state, voids nothing', () => {
  const silent = { ...calm, runQueuePerCpu: null, thermalEvents: null, runThrottledMs: null };
  assert.equal(invalidReasons(silent, all), []);
  assert.equal(
    invalidReasons({ ...calm, runQueuePerCpu: 9, thermalEvents: 9, runThrottledMs: 900 }, policy),
    [],
  );
});

test('a window without length cannot be judged, so it is not valid', () => {
  assert.is(invalidReasons({ ...calm, windowMs: 0 }, policy).length, 1);
  assert.is(invalidReasons({ ...calm, windowMs: Number.NaN }, policy).length, 1);
});

test('clocks: within the limit nothing, beyond it a sentence', () => {
  const check = { insideMs: 4500, hostMs: 5000, uncertaintyMs: 10, drift: 0.098 };
  assert.is(clockFailure({ ...check, drift: 0.01 }, policy), null);
  assert.is(
    clockFailure(check, policy),
    "the clock inside is 9.8 % behind the host's stopwatch: 4500.0 ms inside, 5000.0 ± 10.0 ms outside (limit 1 %)",
  );
  assert.match(clockFailure({ ...check, insideMs: 5500 }, policy)!, 'ahead of');
});

test('arms that see the same have no mismatch', () => {
  assert.equal(parityMismatches({ native: inside, container: { ...inside } }), []);
  assert.equal(parityMismatches({}), []);
});

test('other bytes of a tool are a mismatch, and the first that is told', () => {
  const other = { ...inside, tools: { sysbench: 'c'.repeat(64) }, nproc: 4 };
  const [first, second, ...rest] = parityMismatches({ native: inside, vm: other });
  assert.equal(first, {
    what: 'sysbench (sha256)',
    values: { native: 'bbbbbbbbbbbb', vm: 'cccccccccccc' },
    matches: false,
    given: true,
  });
  assert.is(second!.what, 'CPUs');
  assert.equal(rest, []);
});

test('a limit and guest RAM of the same size are equal; half the memory is not', () => {
  const guest = { ...inside, memTotalMiB: 470, memoryLimitMiB: null };
  const memory = (vm: Inside) =>
    parityFacts({ native: inside, vm }).find(({ what }) => what === 'usable memory')!;
  assert.equal(memory(guest), {
    what: 'usable memory',
    values: { native: '512 MiB', vm: '470 MiB' },
    matches: true,
    given: true,
  });
  assert.not.ok(memory({ ...guest, memTotalMiB: 256 }).matches);
  assert.not.ok(memory({ ...inside, memoryLimitMiB: null }).matches);
});

test('every fact that the arms were to share is compared, and a mismatch is one', () => {
  const changes: [Partial<Inside>, string][] = [
    [{ nproc: 2 }, 'CPUs'],
    [{ memoryLimitMiB: 100 }, 'usable memory'],
    [{ cpuModel: 'QEMU TCG CPU' }, 'CPU model'],
    [{ cpuFlagsHash: 'd'.repeat(64) }, 'CPU flags'],
  ];
  for (const [change, what] of changes)
    assert.equal(
      parityMismatches({ native: inside, vm: { ...inside, ...change } }).map((fact) => fact.what),
      [what],
    );
});

test('what follows from the kind of box is shown, but is no mismatch to refuse', () => {
  const vm = { ...inside, clocksource: 'hpet', virtualization: 'kvm', kernel: '6.2.0' };
  assert.equal(parityMismatches({ native: inside, vm }), []);
  assert.equal(
    parityFacts({ native: inside, vm })
      .filter(({ matches }) => !matches)
      .map(({ what, values }) => [what, values['vm']]),
    [
      ['clock source', 'hpet'],
      ['virtualisation', 'kvm'],
      ['kernel', '6.2.0'],
    ],
  );
});

test('arms that ran other workloads are compared over the tools they share', () => {
  const network = { ...inside, tools: { iperf3: 'e'.repeat(64) } };
  assert.equal(parityMismatches({ native: inside, vm: network }), []);
});

test.run();
