import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import type { Workload } from '../../workloads/contract.ts';
import type { Script } from './fake-runtime.ts';

/** A workload that writes a line for each step and reports the value it is scripted to. */
export function fakeWorkload(
  id: string,
  log: string[],
  script: (step: 'setup' | 'run' | 'teardown') => Script = () => ({}),
  value: () => number = () => 100,
): Workload {
  const play = async (step: 'setup' | 'run' | 'teardown'): Promise<void> => {
    log.push(step);
    const { latencyMs, fail, hang } = script(step);
    if (hang) await new Promise((resolve) => setTimeout(resolve, 3_600_000).unref());
    if (latencyMs) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (fail) throw new BenchError('fake-failure', fail, { hint: 'scripted' });
  };
  return {
    id,
    summary: 'a fake for tests',
    optionsSchema: z.strictObject({ seconds: z.number().gt(0).default(1) }),
    describe: () => ({
      label: `fake work ${id}`,
      metrics: [{ name: 'speed', unit: 'events/s', better: 'higher', title: 'Speed', primary: true }],
      seconds: 0.01,
      tools: [],
      network: false,
      diskMiB: 0,
      caveats: [],
    }),
    setup: () => play('setup'),
    async run() {
      await play('run');
      return {
        samples: [{ metric: 'speed', unit: 'events/s', value: value() }],
        insideSeconds: null,
        raw: 'fake output',
      };
    },
    teardown: () => play('teardown'),
  };
}
