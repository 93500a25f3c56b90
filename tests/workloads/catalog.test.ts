import * as assert from 'uvu/assert';
import * as z from 'zod';
import { metricSchema } from '../../results/record/metric.ts';
import { workloadById, workloads } from '../../workloads/catalog.ts';
import { toSamples } from '../../workloads/samples.ts';
import { suite } from '../suite.ts';
import { refusal } from './refusal.ts';

const test = suite('the workloads catalog');

test('ids are unique, and each is found by its id', () => {
  const ids = workloads.map(({ id }) => id);
  assert.equal(ids, [
    'sysbench-cpu',
    'sysbench-memory',
    'sysbench-fileio',
    'iperf3',
    'iperf',
    'sysbench-threads',
    'sysbench-mutex',
  ]);
  for (const workload of workloads) assert.is(workloadById(workload.id), workload);
  assert.match(refusal(() => workloadById('sysbench')).hint!, 'sysbench-cpu, sysbench-memory');
});

test('each runs with no options at all, and says what it will be', () => {
  for (const workload of workloads) {
    const description = workload.describe(workload.optionsSchema.parse({}));
    for (const metric of description.metrics) metricSchema.parse(metric);
    assert.is(description.metrics.filter(({ primary }) => primary).length, 1, workload.id);
    assert.ok(description.seconds > 0 && description.tools.length > 0 && description.label.length > 0);
  }
});

test('every option is described, has a default or may be left out, and unknown ones are refused', () => {
  for (const workload of workloads) {
    const schema = z.toJSONSchema(workload.optionsSchema, { io: 'input' }) as {
      properties: Record<string, { description?: string }>;
      additionalProperties: unknown;
      required?: string[];
    };
    assert.is(schema.additionalProperties, false, workload.id);
    assert.equal(schema.required ?? [], [], workload.id);
    for (const [option, { description }] of Object.entries(schema.properties))
      assert.ok(description, `${workload.id}.${option} has no description`);
    assert.not.ok(workload.optionsSchema.safeParse({ nonsense: 1 }).success, workload.id);
  }
});

function problem(id: string, options: object): string {
  const result = workloadById(id).optionsSchema.safeParse(options);
  return result.success
    ? 'accepted'
    : `${result.error.issues[0]!.path.join('.')}: ${result.error.issues[0]!.message}`;
}

test('options that a tool would refuse, or quietly change, are refused here', () => {
  assert.match(
    problem('sysbench-memory', { blockSize: '3KiB' }),
    'blockSize: a block of 3072 bytes is not a power of two',
  );
  assert.match(problem('sysbench-memory', { blockSize: '64MB' }), "did you mean '64MiB'?");
  assert.match(
    problem('sysbench-fileio', { fileSize: '65MiB', files: 7 }),
    'fileSize: 65MiB is not a whole number',
  );
  assert.match(
    problem('sysbench-fileio', { blockSize: '100B', fileSize: '400B' }),
    'blockSize: direct I/O needs',
  );
  assert.match(problem('sysbench-fileio', { fsync: 0 }), 'fsync: ');
  assert.match(problem('sysbench-cpu', { seconds: 0.5 }), 'seconds: ');
  assert.match(problem('iperf3', { udpMbitPerSecond: 5 }), 'udpMbitPerSecond: only with protocol: udp');
  assert.is(problem('iperf3', { udpMbitPerSecond: 5, protocol: 'udp' }), 'accepted');
});

test('what changes the meaning of a number is part of its label or its caveats', () => {
  const told = (id: string, options: object) => {
    const { label, caveats } = workloadById(id).describe(workloadById(id).optionsSchema.parse(options));
    return [label, ...caveats].join(' | ');
  };
  assert.is(
    told('sysbench-fileio', {}),
    'File I/O, random read/write, 16 KiB of 64 MiB in 4 files, direct, no fsync',
  );
  assert.is(
    told('sysbench-fileio', { direct: false, fsync: 100, mode: 'seqwr', threads: 2 }),
    'File I/O, sequential write, 16 KiB of 64 MiB in 4 files, cached, fsync every 100, 2 threads | cached | ' +
      'fsync every 100 requests and at the end',
  );
  assert.is(
    told('sysbench-fileio', { mode: 'rndrd', fsync: 100 }),
    'File I/O, random read, 16 KiB of 64 MiB in 4 files, direct',
  );
  assert.is(told('sysbench-memory', {}), 'Memory, sequential write, 1 MiB block, 1 thread');
  assert.is(
    told('sysbench-memory', { threads: 2, scope: 'local' }),
    'Memory, sequential write, 1 MiB block, 2 threads, local block',
  );
  assert.is(told('iperf3', { streams: 4 }), 'Network, TCP, instance to host, 4 streams');
  assert.is(
    told('iperf3', { protocol: 'udp' }),
    'Network, UDP at 100 Mbit/s, 1400 B, instance to host, 1 stream | paced at 100 Mbit/s per stream',
  );
  assert.is(told('iperf', {}), "Network (iperf 2), TCP, instance to host, 1 stream | sender's count");
});

test('a metric without a finite value, and a value without a metric, are defects that are said', () => {
  const metrics = workloadById('sysbench-memory').describe(
    workloadById('sysbench-memory').optionsSchema.parse({}),
  ).metrics;
  assert.match(
    refusal(() => toSamples(metrics, { throughput: Number.NaN })).message,
    'throughput has no finite value',
  );
  assert.match(refusal(() => toSamples(metrics, { throughput: null })).message, 'throughput');
  assert.match(refusal(() => toSamples(metrics, { throughput: 1 })).message, 'operations_per_second');
  assert.match(refusal(() => toSamples(metrics, { throughput: 1, stray: 2 })).message, "'stray'");
  assert.is(toSamples(metrics, { throughput: 1, operations_per_second: null }).length, 1);
});

test.run();
