import type { Disturbance, Inside } from '../../results/record/trial.ts';
import type { Observer } from '../../harness/trial/observer.ts';

export const CALM: Disturbance = {
  windowMs: 1000,
  stealMs: 0,
  measuredBusyMs: 900,
  foreignMs: 0,
  harnessCpuMs: 1,
  load1: 0.1,
  cpuPressureUs: 0,
  ioPressureUs: 0,
  memoryPressureUs: 0,
  throttledMs: null,
};

const INSIDE: Inside = {
  nproc: 1,
  memTotalMiB: 512,
  cpuModel: 'fake',
  cpuFlagsHash: 'f'.repeat(64),
  cpuFlagCount: 10,
  clocksource: 'tsc',
  virtualization: 'none',
  kernel: '6.1',
  memoryLimitMiB: 512,
  tools: {},
};

/** An observer that writes a line for each look and reports the given evidence. */
export function fakeObserver(
  log: string[],
  disturbance: () => Disturbance = () => CALM,
  drift = 0,
  cpusOfTrial: (trial: number) => number = () => 1,
): Observer {
  let trial = 0;
  return {
    inspect: () => {
      log.push('inspect');
      return Promise.resolve({ ...INSIDE, nproc: cpusOfTrial(trial++) });
    },
    readClock: () => {
      log.push('clock');
      return Promise.resolve({ beforeNs: 0n, insideNs: 0n, afterNs: 0n });
    },
    checkClock: () => ({ insideMs: 1000, hostMs: 1000, uncertaintyMs: 1, drift }),
    beginWindow: () => {
      log.push('window opens');
      return {
        stop: () => {
          log.push('window closes');
          return { disturbance };
        },
      };
    },
  };
}
