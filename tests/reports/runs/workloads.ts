import type { Metric } from '../../../results/record/metric.ts';
import type { PlannedWorkload } from '../../../results/record/plan.ts';

/** A workload with what the fixture makes it measure. */
export interface FixtureWorkload {
  planned: PlannedWorkload;
  setupMs: number;
  /** Level of each metric on the baseline. */
  base: Record<string, number>;
  /** Cost of each arm on it, as a ratio; 1 where absent. */
  cost: Record<string, number>;
  /** Standard deviation of the log of one trial. */
  noise: number;
  /** Bytes the run writes to the box's disk. */
  writtenBytes: number;
}

const throughput = (name: string, unit: string, title: string): Metric => ({
  name,
  unit,
  better: 'higher',
  title,
  primary: true,
});
const latency = (name: string, title: string): Metric => ({
  name,
  unit: 'ms',
  better: 'lower',
  title,
  primary: false,
});
const MIB = 2 ** 20;

export const fixtureWorkloads: FixtureWorkload[] = [
  {
    planned: {
      id: 'cpu',
      label: 'CPU, prime numbers, 1 thread',
      workload: 'sysbench-cpu',
      options: { seconds: 3, maxPrime: 10_000 },
      metrics: [
        throughput('events_per_second', 'events/s', 'Rounds of prime-number search per second'),
        latency('latency_p95', 'Time within which 95 % of the searches ended'),
      ],
      caveats: [],
      seconds: 3,
      published: ['cloud-hw-1'],
    },
    setupMs: 4,
    base: { events_per_second: 1164, latency_p95: 0.88 },
    cost: { container: 1.0008, 'vm-qcow2': 9.4, 'vm-raw': 9.35 },
    noise: 0.006,
    writtenBytes: 0,
  },
  {
    planned: {
      id: 'memory',
      label: 'Memory, writes of 1 MiB blocks',
      workload: 'sysbench-memory',
      options: { seconds: 3, blockKiB: 1024 },
      metrics: [throughput('throughput', 'MiB/s', 'Data written to memory per second')],
      caveats: [],
      seconds: 3,
      published: ['cloud-hw-2'],
    },
    setupMs: 4,
    base: { throughput: 11_420 },
    cost: { container: 1.004, 'vm-qcow2': 2.31, 'vm-raw': 2.28 },
    noise: 0.012,
    writtenBytes: 0,
  },
  {
    planned: {
      id: 'fileio',
      label: 'File I/O, random read and write, 16 KiB, direct',
      workload: 'sysbench-fileio',
      options: { seconds: 3, mode: 'rndrw', direct: true },
      metrics: [
        throughput('requests_per_second', 'requests/s', 'Reads and writes finished per second'),
        latency('latency_p95', 'Time within which 95 % of the requests ended'),
      ],
      caveats: ['fsync every 100 requests'],
      seconds: 3,
      published: ['cloud-hw-3'],
    },
    setupMs: 640,
    base: { requests_per_second: 8650, latency_p95: 0.21 },
    cost: { container: 1.06, 'vm-qcow2': 13.2, 'vm-raw': 7.9 },
    noise: 0.08,
    writtenBytes: 180 * MIB,
  },
  {
    planned: {
      id: 'net',
      label: 'Network, one TCP stream to the host',
      workload: 'iperf3',
      options: { seconds: 3, streams: 1 },
      metrics: [throughput('throughput', 'Gbit/s', 'Data sent to the host per second')],
      caveats: [],
      seconds: 3,
      published: ['cloud-hw-4'],
    },
    setupMs: 210,
    base: { throughput: 24.6 },
    cost: { container: 1.018, 'vm-qcow2': 31, 'vm-raw': 30.4 },
    noise: 0.05,
    writtenBytes: 0,
  },
];
