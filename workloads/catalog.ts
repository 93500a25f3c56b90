import { BenchError } from '../results/bench-error.ts';
import type { Workload } from './contract.ts';
import { iperf } from './iperf/workload.ts';
import { iperf3 } from './iperf3/workload.ts';
import { sysbenchCpu } from './sysbench-cpu/workload.ts';
import { sysbenchFileio } from './sysbench-fileio/workload.ts';
import { sysbenchMemory } from './sysbench-memory/workload.ts';
import { sysbenchMutex } from './sysbench-mutex/workload.ts';
import { sysbenchThreads } from './sysbench-threads/workload.ts';

/** Every workload, in the order in which they are listed. A new one is a folder and a line here. */
export const workloads: readonly Workload[] = [
  sysbenchCpu,
  sysbenchMemory,
  sysbenchFileio,
  iperf3,
  iperf,
  sysbenchThreads,
  sysbenchMutex,
] as readonly Workload[];

/** The workload of that id; throws BenchError `unknown-workload` that names them all. */
export function workloadById(id: string): Workload {
  const found = workloads.find((workload) => workload.id === id);
  if (found) return found;
  throw new BenchError('unknown-workload', `there is no workload '${id}'`, {
    hint: `one of ${workloads.map((workload) => workload.id).join(', ')}`,
  });
}
