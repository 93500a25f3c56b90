import { onlyNumber, notAMeasurement, refuseBadExit, type ToolOutput } from '../tool-output.ts';
import { positiveRate, readReport, type SysbenchReport } from '../sysbench/report.ts';
import { fileModes, type FileMode } from './modes.ts';

/** What was asked of `sysbench fileio`; a report is read against it. */
export interface FileioAsked {
  seconds: number;
  mode: FileMode;
  blockBytes: number;
  fsync: 'never' | number;
}

/** A rate is null where the mode has none: a zero that could not have been anything else is not a value. */
export interface FileioReport extends SysbenchReport {
  /** Read and written together, from requests/s × block size: the printed MiB/s are rounded to 0.01. */
  mibPerSecond: number;
  readsPerSecond: number | null;
  writesPerSecond: number | null;
  fsyncsPerSecond: number | null;
}

const RELATIVE_SLACK = 0.001;
const ROUNDING_MIB = 0.02;

/** Reads the rates that the mode has, and checks requests/s against the printed MiB/s through the block size. */
export function parseFileio(output: ToolOutput, asked: FileioAsked): FileioReport {
  const report = readReport(output, asked.seconds);
  const { reads, writes } = fileModes[asked.mode];
  const rate = (what: string) => new RegExp(`^ {4}${what}: +(\\d+\\.\\d+)$`);
  const readsPerSecond = reads ? positiveRate('reads/s', rate('reads/s'), output) : null;
  const writesPerSecond = writes ? positiveRate('writes/s', rate('writes/s'), output) : null;
  const fsyncsPerSecond =
    writes && asked.fsync !== 'never' ? positiveRate('fsyncs/s', rate('fsyncs/s'), output) : null;
  const printed =
    onlyNumber('sysbench', 'read MiB/s', rate('read, MiB/s'), output) +
    onlyNumber('sysbench', 'written MiB/s', rate('written, MiB/s'), output);
  const requests = (readsPerSecond ?? 0) + (writesPerSecond ?? 0);
  const mibPerSecond = (requests * asked.blockBytes) / 1024 ** 2;
  if (Math.abs(mibPerSecond - printed) > printed * RELATIVE_SLACK + ROUNDING_MIB)
    throw notAMeasurement(
      'tool-output',
      'sysbench',
      `contradicts itself: ${requests} requests/s of ${asked.blockBytes} B are not ${printed} MiB/s`,
      output,
    );
  return { ...report, mibPerSecond, readsPerSecond, writesPerSecond, fsyncsPerSecond };
}

/** Reads `sysbench fileio prepare`: the bytes it says it wrote. Fewer than asked means files of an earlier preparation. */
export function parsePrepare(output: ToolOutput): number {
  if (/^FATAL:/m.test(output.stdout)) throw notAMeasurement('tool-failed', 'sysbench', 'gave up', output);
  refuseBadExit('sysbench', output);
  return onlyNumber('sysbench', 'number of bytes written', /^(\d+) bytes written in /, output);
}

/**
 * Reads `stat -c '%s %b %B'` of the files and refuses holes: a block that was never written reads as zeros without
 * touching the disk (pitfall 9).
 */
export function checkAllocated(output: ToolOutput, files: number, bytes: number): void {
  refuseBadExit('stat', output);
  const rows = output.stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => /^(\d+) (\d+) (\d+)$/.exec(line.trim())?.slice(1).map(Number));
  if (rows.length !== files || rows.some((row) => !row))
    throw notAMeasurement('tool-output', 'stat', `did not describe ${files} files`, output);
  const sum = (of: (row: number[]) => number) => rows.reduce((total, row) => total + of(row!), 0);
  const size = sum((row) => row[0]!);
  const allocated = sum((row) => row[1]! * row[2]!);
  if (size !== bytes)
    throw notAMeasurement('tool-output', 'stat', `found files of ${size} bytes, not ${bytes}`, output);
  if (allocated < bytes)
    throw notAMeasurement(
      'tool-output',
      'stat',
      `found only ${allocated} of ${bytes} bytes allocated`,
      output,
      'the file system keeps holes or compresses; put the data folder on one that does not',
    );
}
