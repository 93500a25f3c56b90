import { readReport, type SysbenchReport } from '../sysbench/report.ts';
import { notAMeasurement, type ToolOutput } from '../tool-output.ts';

/** Reads the total time. The test ignores `--time`, and every thread does one event, so any other count is not a whole run (pitfall 5). */
export function parseMutex(output: ToolOutput, threads: number): SysbenchReport {
  const report = readReport(output, null);
  if (report.events !== threads)
    throw notAMeasurement(
      'tool-output',
      'sysbench',
      `counted ${report.events} events of ${threads} threads`,
      output,
    );
  if (report.totalSeconds <= 0)
    throw notAMeasurement('no-events', 'sysbench', 'took no measurable time', output, 'raise locks or loops');
  return report;
}
