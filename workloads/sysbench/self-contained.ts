import type { Description, Workload } from '../contract.ts';

/** What a sysbench test needs of the box when it makes its own work as it runs: the program, and nothing else. */
export const sysbenchAlone: Pick<Description, 'tools' | 'network' | 'diskMiB' | 'caveats'> = {
  tools: ['sysbench'],
  network: false,
  diskMiB: 0,
  caveats: [],
};

/** Nothing is made ready before the window, and nothing is left when the process is gone. */
export const nothingToPrepare: Pick<Workload, 'setup' | 'teardown'> = {
  setup: () => Promise.resolve(),
  teardown: () => Promise.resolve(),
};
