import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseIperf } from '../../workloads/iperf/parse-iperf.ts';
import { suite } from '../suite.ts';
import { hurt, soundOrRefused } from './hurt.ts';
import { recorded, recordings } from './recorded.ts';
import { refusal } from './refusal.ts';

const test = suite('reading iperf 2');
const one = { seconds: 2, streams: 1 };

test('one stream: the whole interval, not the seconds within it', () => {
  const report = parseIperf(recorded('ip2-tcp-csv'), one);
  assert.is(report.mbitPerSecond, 16208.887768);
  assert.is(report.insideSeconds, (4057333820 * 8) / 16208887768);
});

test('two streams: the sum that iperf does not print', () => {
  const report = parseIperf(recorded('ip2-tcp-csv-P2'), { seconds: 2, streams: 2 });
  assert.is(report.mbitPerSecond, (20582374817 + 18021751664) / 1e6);
  assert.is(report.insideSeconds, (5150474300 * 8) / 20582374817);
  assert.is(
    refusal(() => parseIperf(recorded('ip2-tcp-csv-P2'), { seconds: 2, streams: 3 })).message.slice(0, 33),
    'iperf reported 2 of 3 streams: 19',
  );
});

test('a sum row, which other versions print, is not counted again', () => {
  const real = recorded('ip2-tcp-csv-P2');
  const sum = '19700101000000,127.0.0.1,0,127.0.0.1,15001,-1,0.0-2.0,9657516152,38604126481\n';
  const report = parseIperf({ ...real, stdout: real.stdout + sum }, { seconds: 2, streams: 2 });
  assert.is(report.mbitPerSecond, (20582374817 + 18021751664) / 1e6);
});

test('complaints with exit 0 are failures, also beside plausible rows', () => {
  const words: Record<string, string> = {
    'ip2-err-refused-csv': 'tcp connect failed: Connection refused',
    'ip2-err-badopt': 'unrecognized option `--nosuch',
    'ip2-err-J': 'invalid option -- J',
    'ip2-err-to-iperf3server': 'Connection reset by peer',
    'ip2-dualtest': 'listener bind failed: Address already in use',
    'ip2-tradeoff': 'listener bind failed: Address already in use',
    'ip2-udp-csv': 'read failed: Connection refused',
  };
  for (const [name, said] of Object.entries(words)) {
    assert.is(recorded(name).exitCode, 0);
    const error = refusal(() => parseIperf(recorded(name), one));
    assert.is(error.code, 'tool-failed', name);
    assert.match(error.message, said, name);
  }
});

test('every recorded error is refused, and text is no CSV', () => {
  for (const name of recordings('ip2-err')) refusal(() => parseIperf(recorded(name), one));
  for (const name of ['ip2-tcp', 'ip2-tcp-enh', 'ip2-tcp-P2', 'ip2-udp'])
    assert.is(refusal(() => parseIperf(recorded(name), one)).code, 'tool-output', name);
});

test('nothing at all, zero bytes and an early end are refused', () => {
  const real = recorded('ip2-tcp-csv-P2');
  assert.match(refusal(() => parseIperf({ ...real, stdout: '' }, one)).message, '0 of 1 streams');
  const zero = '19700101000000,127.0.0.1,1,127.0.0.1,2,1,0.0-2.0,0,0\n';
  assert.is(refusal(() => parseIperf({ ...real, stdout: zero }, one)).code, 'no-events');
  assert.is(refusal(() => parseIperf(real, { seconds: 3, streams: 2 })).code, 'ended-early');
  const nan = '19700101000000,127.0.0.1,1,127.0.0.1,2,1,0.0-0.0,0,0,0.000,0,0,-nan,0\n';
  assert.is(refusal(() => parseIperf({ ...real, stdout: nan }, one)).code, 'tool-output');
});

test('whatever is printed, the parser refuses or gives finite numbers', () => {
  const outputs = hurt([recorded('ip2-tcp-csv'), recorded('ip2-tcp-csv-P2'), recorded('ip2-udp-csv')]);
  fc.assert(
    fc.property(outputs, fc.integer({ min: 1, max: 2 }), (output, streams) =>
      soundOrRefused(() => parseIperf(output, { seconds: 2, streams })),
    ),
    { numRuns: 600 },
  );
});

test.run();
