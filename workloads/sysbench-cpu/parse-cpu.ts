import { positiveRate, readReport, type SysbenchReport } from '../sysbench/report.ts';
import type { ToolOutput } from '../tool-output.ts';

export interface CpuReport extends SysbenchReport {
  eventsPerSecond: number;
}

/** Reads events/s. `total time` is never a result: since sysbench 1.0 it is about the limit that was asked (pitfall 1). */
export function parseCpu(output: ToolOutput, askedSeconds: number): CpuReport {
  const report = readReport(output, askedSeconds);
  return {
    ...report,
    eventsPerSecond: positiveRate('events per second', /^ {4}events per second: +(\d+\.\d+)$/, output),
  };
}
