import { EARLY_END_TOLERANCE } from '../defaults.ts';
import { notAMeasurement, onlyNumber, refuseBadExit, type ToolOutput } from '../tool-output.ts';
import { percentileMs, readHistogram } from './histogram.ts';

/** The part of a report that every sysbench 1.0 test prints. */
export interface SysbenchReport {
  totalSeconds: number;
  events: number;
  /** Sum of latencies / events: the printed average is rounded to 0.01 ms. Null when the sum itself rounds to 0. */
  latencyAvgMs: number | null;
  /** From the histogram where there is one, else as printed; null when that is '0.00'. */
  latencyP95Ms: number | null;
}

/**
 * Reads 'General statistics' and 'Latency', and refuses everything that is not a whole run: a bad exit, FATAL on stdout
 * (sysbench prints plausible numbers after it), any WARNING (our options produce none, so it did something else than was
 * asked), zero events, and an end before the asked time.
 *
 * @param askedSeconds what `--time` was; null for tests that run until their work is done
 * @throws BenchError tool-failed | tool-timed-out | tool-output | no-events | ended-early
 */
export function readReport(output: ToolOutput, askedSeconds: number | null): SysbenchReport {
  if (/^FATAL:/m.test(output.stdout) || /^FATAL:/m.test(output.stderr))
    throw notAMeasurement('tool-failed', 'sysbench', 'gave up', output);
  refuseBadExit('sysbench', output);
  if (/^(WARNING|ERROR|ALERT):/m.test(`${output.stdout}\n${output.stderr}`))
    throw notAMeasurement('tool-failed', 'sysbench', 'warned, so it did not do what was asked', output);
  const number = (what: string, pattern: RegExp) => onlyNumber('sysbench', what, pattern, output);
  const totalSeconds = number('total time', /^ {4}total time: +(\d+\.\d+)s$/);
  const events = number('number of events', /^ {4}total number of events: +(\d+)$/);
  const sumMs = number('sum of latencies', /^ +sum: +(\d+\.\d+)$/);
  if (events === 0) throw notAMeasurement('no-events', 'sysbench', 'did nothing', output);
  if (askedSeconds !== null && totalSeconds < askedSeconds * (1 - EARLY_END_TOLERANCE))
    throw notAMeasurement(
      'ended-early',
      'sysbench',
      `ran ${totalSeconds} s of ${askedSeconds} s asked`,
      output,
      'a limit on events or size ended it before the time',
    );
  const printed = /^ +95th percentile: +(\d+\.\d+)$/m.exec(output.stdout)?.[1];
  const p95 = percentileMs(readHistogram(output.stdout), 95) ?? Number(printed ?? 0);
  return {
    totalSeconds,
    events,
    latencyAvgMs: sumMs > 0 ? sumMs / events : null,
    latencyP95Ms: p95 > 0 ? p95 : null,
  };
}

/** A printed rate, which must be above 0: a rate of zero is not a measurement, and has no ratio. */
export function positiveRate(what: string, pattern: RegExp, output: ToolOutput): number {
  const value = onlyNumber('sysbench', what, pattern, output);
  if (value <= 0) throw notAMeasurement('no-events', 'sysbench', `measured 0 ${what}`, output);
  return value;
}
