import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * The order of the cells in one round: a uniform permutation (Fisher–Yates) drawn from the seed and the round's number
 * alone, so a resumed or prolonged run draws the same order again (STATISTICS 1: afresh for each round, never ABAB).
 */
export function orderOfRound(seed: string, round: number, cells: readonly string[]): string[] {
  const random = xoroshiro128plus(createHash('sha256').update(`${seed}\n${round}`).digest().readInt32LE(0));
  const order = [...cells];
  for (let last = order.length - 1; last > 0; last--) {
    const pick = uniformInt(random, 0, last);
    [order[last], order[pick]] = [order[pick] as string, order[last] as string];
  }
  return order;
}
