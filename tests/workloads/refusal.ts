import * as assert from 'uvu/assert';
import { BenchError } from '../../results/bench-error.ts';

/** Runs it, and hands back the BenchError it must have thrown. */
export function refusal(act: () => unknown): BenchError {
  try {
    act();
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  assert.unreachable('it was accepted');
  throw new Error('unreachable');
}

/** The same for a promise. */
export async function refusalOf(promise: Promise<unknown>): Promise<BenchError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  assert.unreachable('it was accepted');
  throw new Error('unreachable');
}
