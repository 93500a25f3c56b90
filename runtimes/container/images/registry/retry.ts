import { setTimeout as pause } from 'node:timers/promises';
import { BenchError } from '../../../../results/bench-error.ts';
import { REGISTRY_ATTEMPTS, REGISTRY_FIRST_PAUSE_MS } from '../defaults.ts';

/** A failure that another attempt may mend, with how long the server asked to wait. */
export class Transient extends Error {
  readonly afterMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; afterMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.afterMs = options.afterMs;
  }
}

const CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

export function isTransient(error: unknown): boolean {
  if (error instanceof Transient) return true;
  return CODES.has((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** Statuses that mean "later": too many requests, and what proxies and overloaded servers say. */
export function isTransientStatus(status: number): boolean {
  return (
    status === 408 || status === 429 || status === 500 || status === 502 || status === 503 || status === 504
  );
}

export interface RetryPolicy {
  attempts: number;
  firstPauseMs: number;
  /** 0 ≤ random() < 1; spreads clients that failed together. */
  random(): number;
}

export const RETRY: RetryPolicy = {
  attempts: REGISTRY_ATTEMPTS,
  firstPauseMs: REGISTRY_FIRST_PAUSE_MS,
  random: Math.random,
};

/** The longest a server's Retry-After is heeded. */
const MAX_PAUSE_MS = 30_000;

/** Tries again after transient failures, with pauses that double; the last one is told to the user. */
export async function withRetries<T>(
  work: (attempt: number) => Promise<T>,
  policy: RetryPolicy = RETRY,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (signal?.aborted || !isTransient(error)) throw error;
      if (attempt >= policy.attempts)
        throw new BenchError(
          'image-registry-unavailable',
          `${(error as Error).message} (tried ${attempt} times)`,
          {
            cause: error,
            hint: 'try again later',
          },
        );
      const asked = error instanceof Transient ? error.afterMs : undefined;
      const backoff = policy.firstPauseMs * 2 ** (attempt - 1) * (0.5 + policy.random());
      await pause(Math.min(MAX_PAUSE_MS, asked ?? backoff), undefined, { signal });
    }
  }
}
