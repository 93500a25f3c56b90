import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { checkAllocated, parseFileio, parsePrepare } from '../../workloads/sysbench-fileio/parse-fileio.ts';
import type { FileMode } from '../../workloads/sysbench-fileio/modes.ts';
import type { ToolOutput } from '../../workloads/tool-output.ts';
import { suite } from '../suite.ts';
import { hurt, soundOrRefused } from './hurt.ts';
import { recorded } from './recorded.ts';
import { refusal } from './refusal.ts';

const test = suite('reading sysbench fileio');
const KiB = 1024;

function asked(mode: FileMode, blockBytes = 16 * KiB, fsync: 'never' | number = 100) {
  return { seconds: 2, mode, blockBytes, fsync };
}

function said(stdout: string): ToolOutput {
  return { stdout, stderr: '', exitCode: 0, signal: null, timedOut: false };
}

/** name, mode, block, reads/s, writes/s, fsyncs/s, seconds, events, latency sum, printed p95 */
const good = [
  ['sb-fio-rndrw', 'rndrw', 16, 6040.1, 4026.73, 807.33, 2.016, 21920, 1988.89, 0.27],
  ['sb-fio-rndrd', 'rndrd', 16, 210498.75, null, null, 2.0305, 427523, 1899.53, null],
  ['sb-fio-rndwr', 'rndwr', 16, null, 4721.51, 380.67, 2.0325, 10366, 1991.75, 1.3],
  ['sb-fio-rndwr-direct', 'rndwr', 4, null, 14783.86, 1185.5, 2.0019, 31998, 1974.67, 0.09],
  ['sb-fio-seqrd', 'seqrd', 16, 250965.49, null, null, 2.0079, 504076, 1884.45, null],
  ['sb-fio-seqwr', 'seqwr', 16, null, 6926.15, 555.59, 2.0063, 15007, 1992.82, 0.12],
  ['sb-fio-seqrewr', 'seqrewr', 16, null, 5389.16, 434.02, 2.0776, 12094, 1995.5, 0.37],
  ['sb-fio-aio', 'rndrd', 16, 44069.86, null, null, 2.0024, 88331, 1975.01, 0.01],
] as const;

test('every mode gives the rates that it has, and only those', () => {
  for (const [name, mode, kib, reads, writes, fsyncs, seconds, events, sum, p95] of good) {
    assert.equal(
      parseFileio(recorded(name), asked(mode, kib * KiB)),
      {
        totalSeconds: seconds,
        events,
        latencyAvgMs: sum / events,
        latencyP95Ms: p95,
        mibPerSecond: (((reads ?? 0) + (writes ?? 0)) * kib) / KiB,
        readsPerSecond: reads,
        writesPerSecond: writes,
        fsyncsPerSecond: fsyncs,
      },
      name,
    );
  }
});

test('without fsync in the plan, the fsync at the end is no metric', () => {
  const report = parseFileio(recorded('sb-fio-rndwr-nofsync'), asked('rndwr', 16 * KiB, 'never'));
  assert.is(report.fsyncsPerSecond, null);
  assert.is(report.mibPerSecond.toFixed(2), '4210.07');
});

test('a read report is no answer to a question about writing', () => {
  const error = refusal(() => parseFileio(recorded('sb-fio-rndrd'), asked('rndrw')));
  assert.is(error.code, 'no-events');
  assert.match(error.message, 'measured 0 writes/s');
});

test('another block size than asked is noticed', () => {
  const error = refusal(() => parseFileio(recorded('sb-fio-rndwr-direct'), asked('rndwr', 16 * KiB)));
  assert.match(error.message, 'contradicts itself');
});

test('what was not prepared, or not understood, is refused in its own words', () => {
  const words: Record<string, string> = {
    'sb-fio-noprepare': "Cannot open file 'test_file.0' errno = 2 (No such file or directory)",
    'sb-fio-badmode': 'FATAL: Invalid IO operations mode: foo.',
    'sb-fio-nomode': 'Missing required argument: --file-test-mode',
    'sb-fio-prepare': 'printed no single readable total time',
    'sb-fio-cleanup': 'printed no single readable total time',
  };
  for (const [name, said] of Object.entries(words))
    assert.match(refusal(() => parseFileio(recorded(name), asked('rndrd'))).message, said, name);
});

test('FATAL during a multithreaded fsync fails, whatever the exit code says', () => {
  const run = recorded('sb-fio-rndrw');
  const stdout = `FATAL: Failed to fsync file! file: 3 errno = 22 (Invalid argument)\n${run.stdout}`;
  assert.match(refusal(() => parseFileio({ ...run, stdout }, asked('rndrw'))).message, 'errno = 22');
});

test('prepare: the bytes it wrote', () => {
  assert.is(parsePrepare(recorded('sb-fio-prepare')), 67_108_864);
  assert.is(refusal(() => parsePrepare(recorded('sb-fio-cleanup'))).code, 'tool-output');
  assert.is(refusal(() => parsePrepare(recorded('sb-fio-nomode'))).code, 'tool-failed');
});

test('allocated: whole files pass, holes and strangers do not', () => {
  checkAllocated(said('4194304 8192 512\n4194304 8200 512\n'), 2, 8_388_608);
  const sparse = refusal(() => checkAllocated(said('4194304 8192 512\n4194304 16 512\n'), 2, 8_388_608));
  assert.match(sparse.message, 'only 4202496 of 8388608 bytes allocated');
  assert.match(refusal(() => checkAllocated(said('4194304 8192 512\n'), 2, 8_388_608)).message, '2 files');
  assert.match(
    refusal(() => checkAllocated(said('1 8 512\n1 8 512\n'), 2, 8_388_608)).message,
    'files of 2 bytes',
  );
  const gone = {
    ...said(''),
    exitCode: 1,
    stderr: "stat: cannot statx 'test_file.0': No such file or directory",
  };
  assert.match(refusal(() => checkAllocated(gone, 2, 8_388_608)).message, 'cannot statx');
});

test('whatever is printed, the parser refuses or gives finite numbers', () => {
  const outputs = hurt(good.map(([name]) => recorded(name)));
  const modes = fc.constantFrom<FileMode>('rndrw', 'rndrd', 'rndwr', 'seqwr');
  fc.assert(
    fc.property(outputs, modes, (output, mode) => soundOrRefused(() => parseFileio(output, asked(mode)))),
    { numRuns: 600 },
  );
});

test.run();
