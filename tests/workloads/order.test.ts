import * as assert from 'uvu/assert';
import { BenchError } from '../../results/bench-error.ts';
import { iperf } from '../../workloads/iperf/workload.ts';
import { iperf3 } from '../../workloads/iperf3/workload.ts';
import { startServer } from '../../workloads/network/peer-server.ts';
import { sysbenchCpu } from '../../workloads/sysbench-cpu/workload.ts';
import { sysbenchFileio } from '../../workloads/sysbench-fileio/workload.ts';
import { sysbenchMemory } from '../../workloads/sysbench-memory/workload.ts';
import { sysbenchMutex } from '../../workloads/sysbench-mutex/workload.ts';
import { sysbenchThreads } from '../../workloads/sysbench-threads/workload.ts';
import { suite } from '../suite.ts';
import { FakeBox } from './fake-box.ts';
import { recorded } from './recorded.ts';
import { refusalOf } from './refusal.ts';

const test = suite('what a workload does, in order');
const timed = '--percentile=95 --histogram=on';

test('cpu: one command, and its three numbers', async () => {
  const box = new FakeBox([{ when: 'sysbench cpu', answer: recorded('sb-cpu-ok') }]);
  const session = box.session(sysbenchCpu.optionsSchema.parse({ seconds: 3, threads: 2, primes: 20_000 }));
  await sysbenchCpu.setup(session);
  const { samples, insideSeconds, raw } = await sysbenchCpu.run(session);
  await sysbenchCpu.teardown(session);
  assert.equal(box.done, [`sysbench cpu --threads=2 --time=3 --events=0 ${timed} --cpu-max-prime=20000 run`]);
  assert.equal(samples.slice(0, 2), [
    { metric: 'events_per_second', unit: 'events/s', value: 651.89 },
    { metric: 'latency_avg', unit: 'ms', value: 5991.06 / 1957 },
  ]);
  assert.is(samples[2]!.metric, 'latency_p95');
  assert.is(insideSeconds, 3.0017);
  assert.match(raw, 'events per second:   651.89');
  assert.match(box.logged.join(), 'Threads fairness');
});

test('memory: an explicit block, and no limit on the total', async () => {
  const box = new FakeBox([{ when: 'sysbench memory', answer: recorded('sb-mem-rnd') }]);
  const session = box.session(sysbenchMemory.optionsSchema.parse({ seconds: 2, access: 'random' }));
  const { samples } = await sysbenchMemory.run(session);
  assert.equal(box.done, [
    `sysbench memory --threads=1 --time=2 --events=0 ${timed} --memory-block-size=1048576 --memory-total-size=0 ` +
      '--memory-oper=write --memory-access-mode=rnd --memory-scope=global run',
  ]);
  assert.equal(samples, [
    { metric: 'throughput', unit: 'MiB/s', value: 1041.37 },
    { metric: 'operations_per_second', unit: 'operations/s', value: 1041.37 },
  ]);
});

test('fileio: written, flushed and found allocated before the window; removed after it', async () => {
  const stat = 'test_file.0 8\n'.replace(/.*/, '8388608 16384 512\n').repeat(8);
  const box = new FakeBox([
    { when: 'prepare', answer: recorded('sb-fio-prepare') },
    { when: 'sync test_file', answer: {} },
    { when: 'stat -c', answer: { stdout: stat } },
    { when: '--file-test-mode', answer: recorded('sb-fio-rndrw') },
    { when: 'cleanup', answer: recorded('sb-fio-cleanup') },
  ]);
  const options = sysbenchFileio.optionsSchema.parse({ seconds: 2, files: 8, fsync: 100, direct: false });
  const session = box.session(options);
  const names = Array.from({ length: 8 }, (_, index) => `test_file.${index}`).join(' ');
  const set = '--file-total-size=67108864 --file-num=8 --file-block-size=16384';

  await sysbenchFileio.setup(session);
  assert.equal(box.done.splice(0), [
    `/data: sysbench fileio ${set} prepare`,
    `/data: sync ${names}`,
    `/data: stat -c %s %b %B ${names}`,
  ]);
  const { samples } = await sysbenchFileio.run(session);
  assert.equal(box.done.splice(0), [
    `/data: sysbench fileio --threads=1 --time=2 --events=0 ${timed} ${set} --file-test-mode=rndrw ` +
      '--file-io-mode=sync --file-fsync-freq=100 --file-fsync-end=on --file-fsync-mode=fsync run',
  ]);
  await sysbenchFileio.teardown(session);
  assert.equal(box.done, ['/data: sysbench fileio --file-num=8 cleanup']);
  assert.equal(
    samples.map(({ metric, value }) => [metric, value]),
    [
      ['throughput', ((6040.1 + 4026.73) * 16) / 1024],
      ['reads_per_second', 6040.1],
      ['writes_per_second', 4026.73],
      ['fsyncs_per_second', 807.33],
      ['latency_avg', 1988.89 / 21_920],
      ['latency_p95', 0.27],
    ],
  );
});

test('fileio: direct and never fsync are asked for by name', async () => {
  const box = new FakeBox([{ when: '--file-test-mode', answer: recorded('sb-fio-rndwr-nofsync') }]);
  const options = sysbenchFileio.optionsSchema.parse({ seconds: 2, mode: 'rndwr' });
  const { samples } = await sysbenchFileio.run(box.session(options));
  assert.match(box.done[0]!, '--file-extra-flags=direct --file-fsync-freq=0 --file-fsync-end=off');
  assert.not.ok(samples.some(({ metric }) => metric === 'fsyncs_per_second'));
});

test('fileio: a file with holes ends the trial before its window', async () => {
  const box = new FakeBox([
    { when: 'prepare', answer: recorded('sb-fio-prepare') },
    { when: 'sync test_file', answer: {} },
    { when: 'stat -c', answer: { stdout: '8388608 0 512\n'.repeat(8) } },
  ]);
  const error = await refusalOf(
    sysbenchFileio.setup(box.session(sysbenchFileio.optionsSchema.parse({ files: 8 }))),
  );
  assert.match(error.message, 'only 0 of 67108864 bytes allocated');
});

test('fileio: fewer bytes prepared than asked ends the trial before its window', async () => {
  const box = new FakeBox([{ when: 'prepare', answer: recorded('sb-fio-prepare') }]);
  const options = sysbenchFileio.optionsSchema.parse({ fileSize: '128MiB' });
  const error = await refusalOf(sysbenchFileio.setup(box.session(options)));
  assert.match(error.message, 'wrote 67108864 of 134217728 bytes');
});

test('threads: a rate of events, which sysbench leaves to be worked out', async () => {
  const box = new FakeBox([{ when: 'sysbench threads', answer: recorded('sb-threads') }]);
  const { samples } = await sysbenchThreads.run(
    box.session(sysbenchThreads.optionsSchema.parse({ seconds: 2, threads: 4 })),
  );
  assert.equal(box.done, [
    `sysbench threads --threads=4 --time=2 --events=0 ${timed} --thread-yields=1000 --thread-locks=8 run`,
  ]);
  assert.equal(samples[0], { metric: 'events_per_second', unit: 'events/s', value: 803 / 2.0087 });
});

test('mutex: total time of a fixed amount, with no time limit', async () => {
  const box = new FakeBox([{ when: 'sysbench mutex', answer: recorded('sb-mutex') }]);
  const { samples } = await sysbenchMutex.run(box.session(sysbenchMutex.optionsSchema.parse({ threads: 4 })));
  assert.equal(box.done, [
    'sysbench mutex --threads=4 --time=0 --events=4 --mutex-num=4096 --mutex-locks=50000 --mutex-loops=10000 run',
  ]);
  assert.equal(samples, [{ metric: 'total_time', unit: 's', value: 1.7614 }]);
});

test('iperf3: the server listens before the window and ends after it', async () => {
  const box = new FakeBox([{ when: 'iperf3 -c', answer: recorded('ip3-tcp-json') }]);
  box.serverWords = 'Server listening on 15201 (test #1)\n';
  const session = box.session(iperf3.optionsSchema.parse({ seconds: 2 }));
  await iperf3.setup(session);
  const { samples } = await iperf3.run(session);
  await iperf3.teardown(session);
  await iperf3.teardown(session);
  assert.equal(box.done, [
    'peer: iperf3 -s -p 15201 --forceflush',
    'iperf3 -c 198.18.0.1 -p 15201 -J -t 2 -P 1 -O 0',
    'peer: stop',
  ]);
  assert.equal(samples, [
    { metric: 'throughput', unit: 'Mbit/s', value: 16421.008526937654 },
    { metric: 'retransmits', unit: 'segments', value: 2 },
  ]);
});

test('iperf3 over UDP: rate and datagram are always named, since the defaults differ between paths', async () => {
  const box = new FakeBox([{ when: 'iperf3 -c', answer: recorded('ip3-udp-json') }]);
  const options = iperf3.optionsSchema.parse({ seconds: 2, protocol: 'udp', udpMbitPerSecond: 200 });
  const { samples } = await iperf3.run(box.session(options));
  assert.equal(box.done, ['iperf3 -c 198.18.0.1 -p 15201 -J -t 2 -P 1 -O 0 -u -b 200000000 -l 1400']);
  assert.equal(samples, [
    { metric: 'throughput', unit: 'Mbit/s', value: 199.99797218148974 },
    { metric: 'lost', unit: '%', value: 0 },
    { metric: 'jitter', unit: 'ms', value: 0.013828031047335073 },
  ]);
});

test('iperf3 backwards and both ways', async () => {
  const back = new FakeBox([{ when: 'iperf3 -c', answer: recorded('ip3-tcp-json-omit-P2-R') }]);
  const asked = { seconds: 2, direction: 'receive', streams: 2, omitSeconds: 1 };
  await iperf3.run(back.session(iperf3.optionsSchema.parse(asked)));
  assert.equal(back.done, ['iperf3 -c 198.18.0.1 -p 15201 -J -t 2 -P 2 -O 1 -R']);
  const both = new FakeBox([{ when: '--bidir', answer: recorded('ip3-bidir-json') }]);
  const { samples } = await iperf3.run(
    both.session(iperf3.optionsSchema.parse({ seconds: 1, direction: 'both' })),
  );
  assert.equal(
    samples.map(({ metric }) => metric),
    ['throughput', 'send_throughput', 'receive_throughput', 'retransmits'],
  );
});

test('iperf 2: CSV, streams added up', async () => {
  const box = new FakeBox([{ when: 'iperf -c', answer: recorded('ip2-tcp-csv-P2') }]);
  box.serverWords = 'Server listening on TCP port 15001\n';
  const session = box.session(iperf.optionsSchema.parse({ seconds: 2, streams: 2 }));
  await iperf.setup(session);
  const { samples } = await iperf.run(session);
  await iperf.teardown(session);
  assert.equal(box.done, [
    'peer: iperf -s -p 15001',
    'iperf -c 198.18.0.1 -p 15001 -t 2 -P 2 -y C',
    'peer: stop',
  ]);
  assert.equal(samples, [{ metric: 'throughput', unit: 'Mbit/s', value: 38604.126481 }]);
});

test('a server that cannot listen is an error in its own words, and is still ended', async () => {
  const box = new FakeBox([]);
  box.serverWords = 'iperf3: error - unable to start listener for connections: Address already in use\n';
  const session = box.session(iperf3.optionsSchema.parse({}));
  const error = await refusalOf(iperf3.setup(session));
  assert.is(error.code, 'server-not-ready');
  assert.match(error.message, 'Address already in use');
  await iperf3.teardown(session);
  assert.is(box.stops, 1);
});

test('a server that says nothing is given up after the limit, and a Ctrl-C ends the waiting', async () => {
  const box = new FakeBox([]);
  const error = await refusalOf(startServer(box.session({}), ['iperf3', '-s'], /listening/, 30));
  assert.is(error.code, 'server-not-ready');
  const interrupted = box.session({}, AbortSignal.timeout(20));
  let reason: unknown;
  await startServer(interrupted, ['iperf3', '-s'], /listening/).catch((caught: unknown) => (reason = caught));
  assert.ok(reason instanceof Error && !(reason instanceof BenchError));
});

test('a tool that is not in the image is named', async () => {
  const box = new FakeBox([]);
  const error = await refusalOf(sysbenchCpu.run(box.session(sysbenchCpu.optionsSchema.parse({}))));
  assert.is(error.code, 'tool-failed');
  assert.match(error.message, 'exit code 127: sysbench: not found');
  assert.match(error.hint!, 'in the image');
});

test.run();
