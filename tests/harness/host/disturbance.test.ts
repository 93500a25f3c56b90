import * as assert from 'uvu/assert';
import { beginWindow, type Senses } from '../../../harness/host/disturbance.ts';
import { suite } from '../../suite.ts';

const test = suite('the disturbance window');

interface Moment {
  at: bigint;
  ownCpuUs: number;
  files: Record<string, string>;
}

/** A machine that is at one moment until `next`, and keeps the order in which it was looked at. */
function machine(moments: [Moment, Moment]): { senses: Senses; next: () => void; looks: string[] } {
  let moment = moments[0];
  const looks: string[] = [];
  const look = <T>(what: string, value: T): T => {
    looks.push(what);
    return value;
  };
  return {
    looks,
    next: () => {
      moment = moments[1];
      looks.push('work');
    },
    senses: {
      read: (path) => look(path, moment.files[path] ?? null),
      now: () => look('clock', moment.at),
      ownCpuUs: () => look('own', moment.ownCpuUs),
    },
  };
}

/** user nice system idle iowait irq softirq steal guest guest_nice, in ticks of 10 ms */
const before: Moment = {
  at: 1_000_000_000n,
  ownCpuUs: 500_000,
  files: {
    '/proc/stat':
      'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 0 50 1000 5 1 10 3 0 0\ncpu1 200 0 50 1000 5 1 10 3 0 0\nintr 1 2\n',
    '/proc/pressure/cpu':
      'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1',
    '/proc/pressure/io':
      'some avg10=0.00 avg60=0.00 avg300=0.00 total=20\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7',
    '/proc/loadavg': '0.10 0.20 0.30 1/100 123',
  },
};
const after: Moment = {
  at: 3_000_000_000n,
  ownCpuUs: 503_000,
  files: {
    '/proc/stat':
      'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 250 2 78 1010 5 2 13 7 0 0\ncpu1 900 0 50 1000 5 1 10 90 0 0\n',
    '/proc/pressure/cpu':
      'some avg10=9.00 avg60=0.00 avg300=0.00 total=4500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1',
    '/proc/pressure/io':
      'some avg10=0.00 avg60=0.00 avg300=0.00 total=25\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7',
    '/proc/loadavg': '1.25 0.20 0.30 1/100 123',
  },
};

function evidence(cpuset: number[], instanceUserMs: number, throttledMs: number | null = null) {
  const { senses, next } = machine([before, after]);
  const open = beginWindow(cpuset, senses);
  next();
  return open.stop().disturbance(instanceUserMs, throttledMs);
}

test('times of the measured CPUs only, in ms', () => {
  assert.equal(evidence([0], 1420, 12), {
    windowMs: 2000,
    stealMs: 40,
    measuredBusyMs: 1500 + 20 + 280 + 10 + 30,
    foreignMs: 100,
    harnessCpuMs: 3,
    load1: 1.25,
    cpuPressureUs: 3500,
    ioPressureUs: 5,
    memoryPressureUs: null,
    throttledMs: 12,
    runQueuePerCpu: null,
    thermalEvents: null,
    runThrottledMs: null,
  });
});

test('kernel time is busy time, but nobody else’s: a file or network trial is not void for its own I/O', () => {
  assert.is(evidence([0], 1520).foreignMs, 0);
  assert.is(evidence([0], 1520).measuredBusyMs, 1840);
});

test('an emulator that also used other CPUs makes no negative foreign time', () => {
  assert.is(evidence([0], 5000).foreignMs, 0);
});

test('several measured CPUs are added up; one that is not there counts nothing', () => {
  assert.is(evidence([0, 1], 0).stealMs, 40 + 870);
  assert.is(evidence([7], 0).measuredBusyMs, 0);
});

test('the clock is read last before the work and first after it', () => {
  const { senses, next, looks } = machine([before, after]);
  const open = beginWindow([0], senses);
  next();
  open.stop();
  const [opened, closed] = [looks.slice(0, looks.indexOf('work')), looks.slice(looks.indexOf('work') + 1)];
  assert.equal(opened.slice(-2), ['own', 'clock']);
  assert.equal(closed.slice(0, 2), ['clock', 'own']);
  for (const file of ['/proc/stat', '/proc/pressure/cpu', '/proc/pressure/io', '/proc/pressure/memory'])
    assert.ok(opened.includes(file) && closed.includes(file), file);
});

/** The same machine with more files in both moments. */
function more(beforeFiles: Record<string, string>, afterFiles: Record<string, string>) {
  const { senses, next } = machine([
    { ...before, files: { ...before.files, ...beforeFiles } },
    { ...after, files: { ...after.files, ...afterFiles } },
  ]);
  const open = beginWindow([0, 1], senses);
  next();
  return open.stop().disturbance(0, null);
}

test('others’ tasks ready to run: less the one that asks, per CPU, the smaller of the two edges', () => {
  const stat = (running: number) => ({
    '/proc/stat': `${before.files['/proc/stat']}procs_running ${running}\n`,
  });
  assert.is(more(stat(6), stat(4)).runQueuePerCpu, 1.5);
  assert.is(more(stat(1), stat(9)).runQueuePerCpu, 0);
});

test('thermal throttling: events of the measured cores, and of each package once', () => {
  const counts = (core0: number, core1: number, whole: number) => ({
    '/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count': String(core0),
    '/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count': String(core1),
    '/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count': String(whole),
    '/sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count': String(whole),
    '/sys/devices/system/cpu/cpu7/thermal_throttle/core_throttle_count': '99',
  });
  assert.is(more(counts(5, 0, 10), counts(6, 2, 14)).thermalEvents, 1 + 2 + 4);
  assert.is(more(counts(5, 0, 10), counts(5, 0, 10)).thermalEvents, 0);
});

const V2 = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';
const V1 = '30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct';

test('a quota around the run, v2: of its own group and every parent, in µs', () => {
  const files = (job: number, slice: number) => ({
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory pids',
    '/proc/self/cgroup': '0::/ci.slice/job-1',
    '/sys/fs/cgroup/ci.slice/cpu.stat': `usage_usec 1\nnr_throttled 2\nthrottled_usec ${slice}`,
    '/sys/fs/cgroup/ci.slice/job-1/cpu.stat': `usage_usec 1\nnr_throttled 2\nthrottled_usec ${job}`,
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 7',
  });
  assert.is(more(files(1000, 500), files(4000, 2500)).runThrottledMs, 5);
});

test('a quota around the run, v1: in ns, of the group in the hierarchy of cpu and of the boxes’ parent', () => {
  const files = (own: number, boxes: number) => ({
    '/proc/self/mountinfo': V1,
    '/proc/self/cgroup': '4:memory:/elsewhere\n2:cpu,cpuacct:/job',
    '/sys/fs/cgroup/cpu/job/cpu.stat': `nr_periods 1\nnr_throttled 1\nthrottled_time ${own}`,
    '/sys/fs/cgroup/cpu/tare/cpu.stat': `nr_periods 1\nnr_throttled 1\nthrottled_time ${boxes}`,
    '/sys/fs/cgroup/cpu/elsewhere/cpu.stat': 'throttled_time 999000000',
  });
  assert.is(more(files(0, 0), files(3_000_000, 4_000_000)).runThrottledMs, 7);
});

test('on this machine it reads something, and nothing in between', async () => {
  const open = beginWindow([0]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const real = open.stop().disturbance(0, null);
  assert.ok(real.windowMs >= 19, String(real.windowMs));
  assert.ok(real.harnessCpuMs >= 0 && real.measuredBusyMs >= 0 && real.stealMs >= 0);
  assert.ok(Number.isFinite(real.load1));
});

test.run();
