import { BenchError } from '../../../results/bench-error.ts';
import type { Op } from '../../launch/ops.ts';

/** What a terminal needs in a plan: before the clone, and inside after the pivot. */
export interface TerminalOps {
  before: Op[];
  inside: Op[];
}

/** A pseudo-terminal made inside, its master sent over the caller's socket. */
export function terminalOps(
  consoleSocket: string,
  _size: { height: number; width: number } | null,
): TerminalOps {
  throw new BenchError('oci-terminal', `terminals are not there yet (${consoleSocket})`);
}
