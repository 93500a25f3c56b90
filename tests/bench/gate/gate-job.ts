import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGateConfig } from '../../../harness/gate/gate-config.ts';
import { gateInterleaved } from '../../../harness/gate/interleaved-gate.ts';
import { machinePaths } from '../../../harness/run/paths.ts';
import type { GateRecord } from '../../../results/record/gate.ts';
import type { Runtime } from '../../../runtimes/contract.ts';
import { workloads } from '../../../workloads/catalog.ts';
import { throttledNative } from './throttled-native.ts';

/** A real gate in `folder`: sysbench cpu for one second a trial, native against native under the given CPU quota. */
export async function gateJob(
  folder: string,
  options: { quota: number | null; looks: number[]; seed: string; say?: (line: string) => void },
): Promise<GateRecord> {
  const matrixFile = join(folder, `${options.seed}.yaml`);
  const candidate = options.quota === null ? '{}' : `{ quota: ${options.quota} }`;
  await writeFile(
    matrixFile,
    `title: native against native${options.quota === null ? '' : ` under a CPU quota of ${100 * options.quota} %`}
runtimes:
  plain: { runtime: throttled }
  changed: { runtime: throttled, options: ${candidate} }
workloads:
  cpu: { workload: sysbench-cpu, options: { seconds: 1 } }
# Whether neighbours disturbed a window is not judged here: the gate must cope with the machine as it is.
policy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000 }
trials: { spare: 0 }
`,
  );
  const abort = new AbortController();
  const nothing = (): void => undefined;
  return gateInterleaved(
    {
      matrixFile,
      ...{ reference: 'plain', candidate: 'changed', seed: options.seed, signal: abort.signal },
      paths: { ...machinePaths(), runsDir: join(folder, 'runs') },
      catalog: { runtimes: [throttledNative as Runtime], workloads },
    },
    {
      config: parseGateConfig(`looks: [${options.looks.join(', ')}]\n`, 'gate.yaml'),
      evenIfNotComparable: false,
    },
    { say: options.say ?? nothing, planned: nothing, trialStarts: nothing, trialEnded: nothing },
  );
}
