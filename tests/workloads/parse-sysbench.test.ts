import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseCpu } from '../../workloads/sysbench-cpu/parse-cpu.ts';
import { parseMemory } from '../../workloads/sysbench-memory/parse-memory.ts';
import { parseMutex } from '../../workloads/sysbench-mutex/parse-mutex.ts';
import { percentileMs, readHistogram } from '../../workloads/sysbench/histogram.ts';
import { readReport } from '../../workloads/sysbench/report.ts';
import { suite } from '../suite.ts';
import { hurt, soundOrRefused } from './hurt.ts';
import { recorded, recordings } from './recorded.ts';
import { refusal } from './refusal.ts';

const test = suite('reading sysbench');

test('cpu: events per second, and the exact percentile from the histogram', () => {
  assert.equal(parseCpu(recorded('sb-cpu-ok'), 3), {
    totalSeconds: 3.0017,
    events: 1957,
    latencyAvgMs: 5991.06 / 1957,
    latencyP95Ms: percentileMs(readHistogram(recorded('sb-cpu-ok').stdout), 95),
    eventsPerSecond: 651.89,
  });
});

test('the histogram holds every event, and its percentile is the one sysbench prints', () => {
  const buckets = readHistogram(recorded('sb-cpu-ok').stdout);
  assert.is(
    buckets.reduce((sum, bucket) => sum + bucket.count, 0),
    1957,
  );
  assert.is(percentileMs(buckets, 99)!.toFixed(2), '35.59');
  assert.is(percentileMs([], 95), null);
});

test('memory: MiB/s and operations/s, whatever the padding', () => {
  const small = parseMemory(recorded('sb-mem-ok-1k'), 3, 1024);
  assert.equal(
    [small.mibPerSecond, small.operationsPerSecond, small.totalSeconds],
    [4173.65, 4273816.37, 3.002],
  );
  const random = parseMemory(recorded('sb-mem-rnd'), 2, 1024 ** 2);
  assert.equal([random.mibPerSecond, random.operationsPerSecond], [1041.37, 1041.37]);
});

test('memory: a total size that ends the run before its time is refused', () => {
  const error = refusal(() => parseMemory(recorded('sb-mem-ok-1m'), 10, 1024 ** 2));
  assert.is(error.code, 'ended-early');
  assert.match(error.message, '1.0916 s of 10 s');
});

test('memory: rates that the block size contradicts are refused', () => {
  const error = refusal(() => parseMemory(recorded('sb-mem-ok-1k'), 3, 4096));
  assert.is(error.code, 'tool-output');
  assert.match(error.message, 'contradicts itself');
});

test('threads: events and time, as there is no printed rate', () => {
  const report = readReport(recorded('sb-threads'), 2);
  assert.equal([report.events, report.totalSeconds, report.latencyP95Ms], [803, 2.0087, 16.71]);
  assert.is(report.latencyAvgMs, 8027.41 / 803);
});

test('mutex: total time; the number of events must be the number of threads', () => {
  assert.is(parseMutex(recorded('sb-mutex'), 4).totalSeconds, 1.7614);
  assert.match(refusal(() => parseMutex(recorded('sb-mutex'), 2)).message, '4 events of 2 threads');
  const quick = recorded('sb-mutex').stdout.replace('1.7614s', '0.0000s');
  assert.is(refusal(() => parseMutex({ ...recorded('sb-mutex'), stdout: quick }, 4)).code, 'no-events');
});

test('FATAL on stdout before plausible numbers is refused in its own words', () => {
  const error = refusal(() => parseCpu(recorded('sb-err-forced-shutdown'), 1));
  assert.is(error.code, 'tool-failed');
  assert.match(error.message, 'The --max-time limit has expired, forcing shutdown...');
  // …also when the exit code would not have told.
  const lying = { ...recorded('sb-err-forced-shutdown'), exitCode: 0 };
  assert.is(refusal(() => parseCpu(lying, 1)).code, 'tool-failed');
});

test('a deprecation warning with exit 0 and plausible numbers is refused', () => {
  const error = refusal(() => parseCpu(recorded('sb-err-oldsyntax'), 1));
  assert.is(error.code, 'tool-failed');
  assert.match(error.message, 'WARNING: --max-time is deprecated');
});

test('zero events are refused', () => {
  const nothing = recorded('sb-threads');
  const stdout = nothing.stdout.replace(/(total number of events: +)\d+/, '$10');
  assert.is(refusal(() => readReport({ ...nothing, stdout }, 2)).code, 'no-events');
  const still = recorded('sb-cpu-ok');
  const idle = still.stdout.replace(/(events per second: +)[\d.]+/, '$10.00');
  assert.is(refusal(() => parseCpu({ ...still, stdout: idle }, 3)).code, 'no-events');
});

test('a report that is there twice is refused, since nobody knows which is meant', () => {
  const once = recorded('sb-cpu-ok');
  assert.is(refusal(() => parseCpu({ ...once, stdout: once.stdout + once.stdout }, 3)).code, 'tool-output');
});

test('a time-out is refused as one', () => {
  assert.is(refusal(() => parseCpu(recorded('sb-err-time0events0'), 5)).code, 'tool-timed-out');
});

test('every recorded error is refused, with what the tool said', () => {
  const said: Record<string, string> = {
    'sb-err-badblock': 'FATAL: Invalid value for memory-block-size: 3',
    'sb-err-badcmd': 'Unknown command: walk',
    'sb-err-badopt': 'invalid option: --no-such-option=1',
    'sb-err-badtest': "Cannot find benchmark 'nosuchtest'",
    'sb-err-blk-notpow2': 'FATAL: Invalid value for memory-block-size: 3K',
    'sb-err-cpu-prepare': "'cpu' test does not implement the 'prepare' command",
    'sb-err-forced-shutdown': 'forcing shutdown',
    'sb-err-nocmd': "The 'cpu' test requires a command argument",
    'sb-err-nodb': 'Connection refused',
    'sb-err-nodriver': "invalid database driver name: 'none'",
    'sb-err-nodrv': 'unable to connect to MySQL server',
    'sb-err-oldsyntax': 'deprecated',
    'sb-err-threads0': 'FATAL: Invalid value for --threads: 0',
    'sb-err-time0events0': 'Both event and time limits are disabled',
  };
  assert.equal(Object.keys(said).sort(), recordings('sb-err'));
  for (const [name, words] of Object.entries(said))
    assert.match(refusal(() => parseCpu(recorded(name), 1)).message, words, name);
});

test('whatever is printed, a parser refuses or gives finite numbers', () => {
  const cpu = hurt([recorded('sb-cpu-ok'), recorded('sb-cpu-events'), recorded('sb-err-forced-shutdown')]);
  fc.assert(
    fc.property(cpu, (output) => soundOrRefused(() => parseCpu(output, 3))),
    { numRuns: 400 },
  );
  const memory = hurt([recorded('sb-mem-ok-1k'), recorded('sb-mem-rnd')]);
  fc.assert(
    fc.property(memory, (output) => soundOrRefused(() => parseMemory(output, 2, 1024))),
    { numRuns: 400 },
  );
  const mutex = hurt([recorded('sb-mutex')]);
  fc.assert(
    fc.property(mutex, (output) => soundOrRefused(() => parseMutex(output, 4))),
    { numRuns: 400 },
  );
});

test.run();
