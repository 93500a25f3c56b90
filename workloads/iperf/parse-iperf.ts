import { EARLY_END_TOLERANCE } from '../defaults.ts';
import { notAMeasurement, refuseBadExit, type ToolOutput } from '../tool-output.ts';

/** Throughput over all streams, Mbit/s = 10⁶ bit/s, as the client counted. */
export interface IperfReport {
  mbitPerSecond: number;
  /** The longest stream, s. */
  insideSeconds: number;
}

interface Row {
  id: number;
  from: number;
  to: number;
  bytes: number;
  bitPerSecond: number;
}

/** timestamp, address, port, address, port, id, interval, bytes, bit/s */
const columns = /^\d{14},[^,]+,\d+,[^,]+,\d+,(-?\d+),(\d+\.\d+)-(\d+\.\d+),(\d+),(\d+)$/;

/**
 * Reads `iperf -y C` (2.1.8, TCP). It exits 0 on a refused connection and on options it does not know, and goes on
 * after them with plausible rows, so any word on stderr is a failure. With -P it prints no sum: streams are added here.
 * @throws BenchError tool-failed | tool-timed-out | tool-output | no-events | ended-early
 */
export function parseIperf(output: ToolOutput, asked: { seconds: number; streams: number }): IperfReport {
  refuseBadExit('iperf', output);
  if (output.stderr.trim() !== '') throw notAMeasurement('tool-failed', 'iperf', 'complained', output);
  const whole = new Map<number, Row>();
  for (const line of output.stdout.split('\n')) {
    if (line.trim() === '') continue;
    const row = readRow(line);
    if (!row) throw notAMeasurement('tool-output', 'iperf', `printed no row of numbers ('${line}')`, output);
    if (row.id < 0) continue; // a sum row, which other versions print
    const known = whole.get(row.id);
    if (!known || row.to - row.from > known.to - known.from) whole.set(row.id, row);
  }
  const rows = [...whole.values()];
  if (rows.length !== asked.streams)
    throw notAMeasurement(
      'tool-output',
      'iperf',
      `reported ${rows.length} of ${asked.streams} streams`,
      output,
    );
  if (rows.some((row) => row.bytes === 0 || row.bitPerSecond === 0))
    throw notAMeasurement('no-events', 'iperf', 'transferred nothing in a stream', output);
  // The printed interval has one decimal; bytes and bit/s were computed from the exact one.
  const lengths = rows.map((row) => (row.bytes * 8) / row.bitPerSecond);
  const shortest = Math.min(...lengths);
  if (shortest < asked.seconds * (1 - EARLY_END_TOLERANCE))
    throw notAMeasurement('ended-early', 'iperf', `ran ${shortest} s of ${asked.seconds} s asked`, output);
  return {
    mbitPerSecond: rows.reduce((sum, row) => sum + row.bitPerSecond, 0) / 1e6,
    insideSeconds: Math.max(...lengths),
  };
}

function readRow(line: string): Row | null {
  const fields = columns.exec(line.trim())?.slice(1).map(Number);
  if (!fields || fields.some((field) => !Number.isFinite(field))) return null;
  const [id, from, to, bytes, bitPerSecond] = fields as [number, number, number, number, number];
  return { id, from, to, bytes, bitPerSecond };
}
