import * as z from 'zod';
import { defaults } from './defaults.ts';

/** The limit is a day: beyond it iperf3 refuses, and a typo is likelier than a wish. */
const MAX_SECONDS = 86_400;

/** Length of the timed window; whole seconds, because sysbench and iperf3 take no others. */
export const secondsOption = z
  .int()
  .min(1)
  .max(MAX_SECONDS)
  .default(defaults.seconds)
  .meta({ description: 'length of the timed window, whole seconds' });

/** Worker threads inside the instance. */
export const threadsOption = z.int().min(1).max(1024).default(defaults.threads).meta({
  description: 'worker threads; as many as the instance has CPUs, unless contention is the question',
});

/** '1 thread', '4 threads'. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
