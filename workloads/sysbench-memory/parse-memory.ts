import { positiveRate, readReport, type SysbenchReport } from '../sysbench/report.ts';
import { notAMeasurement, type ToolOutput } from '../tool-output.ts';

export interface MemoryReport extends SysbenchReport {
  operationsPerSecond: number;
  /** MiB = 1024² bytes: sysbench 1.0 prints 'MiB/sec' and means it. */
  mibPerSecond: number;
}

/** Printed rates carry two decimals; more apart than this and the block size inside is not the one asked. */
const RELATIVE_SLACK = 0.001;
const ROUNDING_MIB = 0.02;

/** Reads MiB/s and operations/s, and checks one against the other through the block size. */
export function parseMemory(output: ToolOutput, askedSeconds: number, blockBytes: number): MemoryReport {
  const report = readReport(output, askedSeconds);
  const operationsPerSecond = positiveRate(
    'operations per second',
    /^Total operations: \d+ \( *(\d+\.\d+) per second\)$/,
    output,
  );
  const mibPerSecond = positiveRate('MiB/s', /^\d+\.\d+ MiB transferred \( *(\d+\.\d+) MiB\/sec\)$/, output);
  const implied = (operationsPerSecond * blockBytes) / 1024 ** 2;
  if (Math.abs(implied - mibPerSecond) > mibPerSecond * RELATIVE_SLACK + ROUNDING_MIB)
    throw notAMeasurement(
      'tool-output',
      'sysbench',
      `contradicts itself: ${operationsPerSecond} operations/s of ${blockBytes} B are not ${mibPerSecond} MiB/s`,
      output,
    );
  return { ...report, operationsPerSecond, mibPerSecond };
}
