import { mkdtempSync, rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { checkClock } from '../../../harness/host/clock-check.ts';
import { beginWindow } from '../../../harness/host/disturbance.ts';
import { inspectInside, readInsideClock } from '../../../harness/host/inside.ts';
import { insideSchema } from '../../../results/record/trial.ts';
import type { Instance } from '../../../runtimes/contract.ts';
import { ensureImage } from '../../../runtimes/image/ensure-image.ts';
import { nativeRuntime } from '../../../runtimes/native/native-runtime.ts';
import { workloads } from '../../../workloads/catalog.ts';
import type { Session } from '../../../workloads/contract.ts';
import { suite } from '../../suite.ts';

const test = suite('every workload, for real, in a native box');

const cacheDir = '/var/cache/tare';
const owner = `tare-w${process.pid.toString(36)}`;
const scratchDir = mkdtempSync('/var/tmp/tare-workloads-');
const interrupt = new AbortController();
let instance: Instance;

test.before(async () => {
  const image = await ensureImage(cacheDir, () => undefined);
  const context = {
    owner,
    cacheDir,
    scratchDir,
    resources: { cpus: 1, memoryMiB: 512, cpuset: [1], housekeeping: [0] },
    signal: interrupt.signal,
    log: () => undefined,
  };
  const prepared = await nativeRuntime.prepare(image, {}, context);
  const resources = { cpus: 1, memoryMiB: 512, cpuset: [0], housekeeping: [1] };
  instance = await prepared.start('workloads', resources);
});

test.after(async () => {
  await instance.destroy();
  rmSync(scratchDir, { recursive: true, force: true });
});

/** Setup, run, teardown as the harness does it; a second is enough to see every line of a report. */
async function measure(id: string, asked: object): Promise<Record<string, number>> {
  const workload = workloads.find((member) => member.id === id)!;
  const options = workload.optionsSchema.parse(asked);
  const session: Session<unknown> = {
    box: instance,
    options,
    signal: interrupt.signal,
    timeoutMs: 60_000,
    log: () => undefined,
  };
  try {
    await workload.setup(session);
    const { samples, insideSeconds, raw } = await workload.run(session);
    assert.ok(raw.length > 0 && insideSeconds !== null && insideSeconds > 0);
    const described = workload.describe(options).metrics.map(({ name }) => name);
    assert.equal(
      samples.map(({ metric }) => metric),
      described,
      `${id} ${JSON.stringify(asked)}`,
    );
    return Object.fromEntries(samples.map(({ metric, value }) => [metric, value]));
  } finally {
    await workload.teardown(session);
  }
}

/** What lies in the data folder now. */
async function dataFiles(): Promise<string> {
  return (await instance.exec(['ls', instance.dataDir])).stdout.trim();
}

test('cpu and memory', async () => {
  assert.ok((await measure('sysbench-cpu', { seconds: 1 }))['events_per_second']! > 1);
  const memory = await measure('sysbench-memory', {
    seconds: 1,
    blockSize: '4KiB',
    access: 'random',
    operation: 'read',
  });
  assert.ok(Math.abs(memory['operations_per_second']! / 256 / memory['throughput']! - 1) < 0.01);
});

test('every mode of file I/O, and nothing left in the data folder', async () => {
  for (const mode of ['rndrw', 'rndrd', 'rndwr', 'seqrd', 'seqwr', 'seqrewr'])
    assert.ok((await measure('sysbench-fileio', { seconds: 1, mode, fileSize: '8MiB' }))['throughput']! > 0);
  const synced = await measure('sysbench-fileio', {
    seconds: 1,
    fileSize: '8MiB',
    direct: false,
    fsync: 100,
  });
  assert.ok(synced['fsyncs_per_second']! > 0);
  assert.is(await dataFiles(), '');
});

test('iperf3 in each direction and over UDP, iperf 2, each ending its server', async () => {
  assert.ok((await measure('iperf3', { seconds: 1 }))['throughput']! > 1);
  const both = await measure('iperf3', { seconds: 1, direction: 'both' });
  const sum = both['send_throughput']! + both['receive_throughput']!;
  assert.ok(Math.abs(both['throughput']! / sum - 1) < 1e-9);
  // The same port again at once: it would be taken if the server before had not been ended.
  assert.ok((await measure('iperf3', { seconds: 1, direction: 'receive', streams: 2 }))['throughput']! > 1);
  const paced = await measure('iperf3', { seconds: 1, protocol: 'udp', udpMbitPerSecond: 8 });
  assert.ok(paced['throughput']! <= 9 && paced['lost']! <= 100);
  assert.ok((await measure('iperf', { seconds: 1, streams: 2 }))['throughput']! > 1);
});

test('threads and mutex', async () => {
  assert.ok((await measure('sysbench-threads', { seconds: 1, threads: 2 }))['events_per_second']! > 0);
  assert.ok((await measure('sysbench-mutex', { threads: 2, loops: 1000 }))['total_time']! > 0);
});

test('the inside is seen as it was given, its clock agrees, and the window is evidence', async () => {
  const first = await readInsideClock(instance);
  const window = beginWindow([0]);
  const before = await instance.usage();
  await measure('sysbench-cpu', { seconds: 1 });
  const after = await instance.usage();
  const disturbance = window.stop().disturbance((after.cpuUserMs ?? 0) - (before.cpuUserMs ?? 0), null);
  const check = checkClock(first, await readInsideClock(instance));
  assert.ok(check.drift < 0.01, JSON.stringify(check));
  assert.ok(disturbance.windowMs >= 1000);
  assert.ok(disturbance.measuredBusyMs > 0);
  const inside = insideSchema.parse(await inspectInside(instance, ['sysbench', 'iperf3', 'iperf']));
  assert.is(inside.nproc, 1);
  assert.is(inside.memoryLimitMiB, 512);
  assert.equal(Object.keys(inside.tools), ['sysbench', 'iperf3', 'iperf']);
});

test.run();
