import type { Runtime } from '../runtimes/contract.ts';
import type { Workload } from '../workloads/contract.ts';

/** What can be run, and where: the two rooms' catalogs, handed in so that tests can hand in fakes. */
export interface Catalog {
  runtimes: readonly Runtime[];
  workloads: readonly Workload[];
}
