import type { ClockCheck, Disturbance, Inside } from '../../results/record/trial.ts';
import type { Instance } from '../../runtimes/contract.ts';
import { checkClock, type ClockReading } from '../host/clock-check.ts';
import { beginWindow } from '../host/disturbance.ts';
import { inspectInside, readInsideClock } from '../host/inside.ts';

/** Everything that looks at a trial from beside it; handed in, so that tests can script it. */
export interface Observer {
  inspect(instance: Instance, tools: string[]): Promise<Inside>;
  readClock(instance: Instance): Promise<ClockReading>;
  checkClock(first: ClockReading, second: ClockReading): ClockCheck;
  beginWindow(cpuset: number[]): {
    stop(): { disturbance(instanceUserMs: number, throttledMs: number | null): Disturbance };
  };
}

/** The real one: /proc of the host, a shell line inside. */
export const hostObserver: Observer = {
  inspect: inspectInside,
  readClock: readInsideClock,
  checkClock,
  beginWindow,
};
