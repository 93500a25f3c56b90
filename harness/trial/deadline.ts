import { BenchError } from '../../results/bench-error.ts';

/** Thrown when a step outlives its limit. */
export class DeadlineError extends BenchError {
  readonly limitMs: number;
  constructor(what: string, limitMs: number) {
    super('trial-timed-out', `${what} did not end within ${(limitMs / 1000).toFixed(1)} s`, {
      hint: 'the log holds the last words; `trials: {timeout: …}` in the matrix sets the limit',
    });
    this.limitMs = limitMs;
  }
}

/** Thrown when the user interrupts. */
export class AbortedError extends BenchError {
  constructor() {
    super('run-interrupted', 'interrupted');
  }
}

/**
 * Waits for `work` but not longer than `limitMs`, and not after `signal` is aborted. The work itself is not stopped by
 * this: whoever owns it passes the signal on, and destroys what it holds.
 *
 * @throws DeadlineError, AbortedError, or what `work` throws.
 */
export async function within<T>(
  work: Promise<T>,
  limitMs: number,
  what: string,
  signal?: AbortSignal,
): Promise<T> {
  if (signal?.aborted) {
    work.catch(() => undefined);
    throw new AbortedError();
  }
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new DeadlineError(what, limitMs)), Math.max(1, limitMs));
        onAbort = () => reject(new AbortedError());
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}
