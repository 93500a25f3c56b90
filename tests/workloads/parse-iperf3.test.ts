import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseIperf3, type Iperf3Asked } from '../../workloads/iperf3/parse-iperf3.ts';
import { suite } from '../suite.ts';
import { hurt, soundOrRefused } from './hurt.ts';
import { recorded, recordings } from './recorded.ts';
import { refusal } from './refusal.ts';

const test = suite('reading iperf3');
const plain: Iperf3Asked = { seconds: 2, omitSeconds: 0, streams: 1, protocol: 'tcp', direction: 'send' };
const udp: Iperf3Asked = { ...plain, protocol: 'udp' };
const backwards: Iperf3Asked = { ...plain, streams: 2, omitSeconds: 1, direction: 'receive' };
const both: Iperf3Asked = { ...plain, seconds: 1, direction: 'both' };

test('TCP: what the receiver counted, and the retransmits of the sender', () => {
  assert.equal(parseIperf3(recorded('ip3-tcp-json'), plain), {
    mbitPerSecond: 16421.008526937654,
    sendMbitPerSecond: null,
    receiveMbitPerSecond: null,
    retransmits: 2,
    jitterMs: null,
    lostPercent: null,
    insideSeconds: 2.000044,
  });
});

test('reverse, two streams, one second left out', () => {
  const report = parseIperf3(recorded('ip3-tcp-json-omit-P2-R'), backwards);
  assert.equal(
    [report.mbitPerSecond, report.retransmits, report.insideSeconds],
    [19557.785156665867, 3, 3.002794],
  );
});

test('both directions: each, and their sum', () => {
  const report = parseIperf3(recorded('ip3-bidir-json'), both);
  assert.equal(
    [report.sendMbitPerSecond, report.receiveMbitPerSecond],
    [8415.147680029917, 7291.946037770378],
  );
  assert.is(report.mbitPerSecond, 8415.147680029917 + 7291.946037770378);
  assert.is(report.retransmits, 0);
});

test('UDP: received, jitter and loss', () => {
  const report = parseIperf3(recorded('ip3-udp-json'), udp);
  assert.equal(
    [report.mbitPerSecond, report.jitterMs, report.lostPercent, report.retransmits],
    [199.99797218148974, 0.013828031047335073, 0, null],
  );
  assert.is(parseIperf3(recorded('ip3-udp-default-json'), udp).mbitPerSecond, 1.0484999837511781);
});

test('the `error` key is a failure, though the exit code is 0', () => {
  const words: Record<string, string> = {
    'ip3-err-busy-json': 'the server is busy running a test. try again later',
    'ip3-err-refused-json': 'unable to connect to server: Connection refused',
    'ip3-err-to-iperf2server': 'interrupt - the client has terminated',
  };
  for (const [name, said] of Object.entries(words)) {
    const error = refusal(() => parseIperf3({ ...recorded(name), exitCode: 0, timedOut: false }, plain));
    assert.is(error.code, 'tool-failed', name);
    assert.match(error.message, said, name);
  }
});

test('usage instead of JSON is refused in the words that matter', () => {
  const error = refusal(() => parseIperf3(recorded('ip3-err-badopt-json'), plain));
  assert.match(error.message, 'test duration too long (maximum = 86400 seconds)');
  assert.is(
    refusal(() => parseIperf3({ ...recorded('ip3-err-badopt-json'), exitCode: 0 }, plain)).code,
    'tool-output',
  );
});

test('every recorded error is refused', () => {
  const errors = recordings('ip3-err');
  assert.is(errors.length, 6);
  for (const name of errors) refusal(() => parseIperf3(recorded(name), plain));
  refusal(() => parseIperf3(recorded('ip3-tcp'), plain)); // text, not JSON
});

test('an answer to another question is refused', () => {
  const others: Partial<Iperf3Asked>[] = [
    { seconds: 3 },
    { streams: 2 },
    { protocol: 'udp' },
    { direction: 'receive' },
    { direction: 'both' },
    { omitSeconds: 1 },
  ];
  for (const other of others)
    assert.is(
      refusal(() => parseIperf3(recorded('ip3-tcp-json'), { ...plain, ...other })).code,
      'tool-output',
      JSON.stringify(other),
    );
});

test('nothing received, or for less time than asked, is refused', () => {
  const real = recorded('ip3-tcp-json');
  const tell = (change: (received: Record<string, number>) => void) => {
    const told = JSON.parse(real.stdout) as { end: { sum_received: Record<string, number> } };
    change(told.end.sum_received);
    return { ...real, stdout: JSON.stringify(told) };
  };
  const nothing = tell((received) => Object.assign(received, { bytes: 0, bits_per_second: 0 }));
  assert.is(refusal(() => parseIperf3(nothing, plain)).code, 'no-events');
  const early = tell((received) => Object.assign(received, { seconds: 1.5 }));
  assert.is(refusal(() => parseIperf3(early, plain)).code, 'ended-early');
  const endless = {
    ...real,
    stdout: real.stdout.replace(/("bits_per_second":\t)16421008526\S*/g, '$11e999,'),
  };
  assert.is(refusal(() => parseIperf3(endless, plain)).code, 'tool-output');
});

test('whatever is printed, the parser refuses or gives finite numbers', () => {
  const outputs = hurt(
    recordings('ip3')
      .filter((name) => name.includes('json'))
      .map(recorded),
  );
  const questions = fc.constantFrom(plain, udp, backwards, both);
  fc.assert(
    fc.property(outputs, questions, (output, asked) => soundOrRefused(() => parseIperf3(output, asked))),
    { numRuns: 600 },
  );
});

test.run();
