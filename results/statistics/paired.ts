import type { Series } from './series.ts';

/** Rounds in which both series have a value, side by side. */
export interface Pairs {
  rounds: Float64Array;
  arm: Float64Array;
  baseline: Float64Array;
  /** Place of the arm in its round, where known. */
  positions: Float64Array | null;
}

/** Joins two series (each ascending by round) on the round. */
export function pair(arm: Series, baseline: Series): Pairs {
  const at: number[] = [];
  const bt: number[] = [];
  for (let i = 0, j = 0; i < arm.rounds.length && j < baseline.rounds.length;) {
    const difference = (arm.rounds[i] as number) - (baseline.rounds[j] as number);
    if (difference === 0) {
      at.push(i++);
      bt.push(j++);
    } else if (difference < 0) i++;
    else j++;
  }
  return {
    rounds: Float64Array.from(at, (i) => arm.rounds[i] as number),
    arm: Float64Array.from(at, (i) => arm.values[i] as number),
    baseline: Float64Array.from(bt, (j) => baseline.values[j] as number),
    positions: arm.positions && Float64Array.from(at, (i) => (arm.positions as Float64Array)[i] as number),
  };
}

/**
 * d_r = ±(ln arm − ln baseline), above 0 is worse. Subtracting logarithms (not the logarithm of a quotient) makes swapping
 * the arms negate every d exactly. Answers the first round whose value has no logarithm instead, if there is one.
 */
export function logRatios(
  pairs: Pairs,
  better: 'higher' | 'lower',
): { differences: Float64Array } | { round: number; value: number; side: 'arm' | 'baseline' } {
  const n = pairs.rounds.length;
  const sign = better === 'higher' ? -1 : 1;
  const differences = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const a = pairs.arm[i] as number;
    const b = pairs.baseline[i] as number;
    if (!(a > 0)) return { round: pairs.rounds[i] as number, value: a, side: 'arm' };
    if (!(b > 0)) return { round: pairs.rounds[i] as number, value: b, side: 'baseline' };
    differences[i] = sign * (Math.log(a) - Math.log(b));
  }
  return { differences };
}
