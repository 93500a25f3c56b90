import { FIRST_LOOK } from '../../../results/statistics/defaults.ts';
import { afterStopping, hodgesLehmann } from '../../../results/statistics/hodges-lehmann.ts';
import { seeded } from '../../../results/statistics/random.ts';
import { decideStop, isLook } from '../../../results/statistics/stopping.ts';
import { shareClaim, type Claim } from './claim.ts';
import { pairedDifferences, type NoiseModel } from './noise-model.ts';

const EFFECT = Math.log(1.03);
const TRIAL_SD = 0.02;

/** STATISTICS 10, line 1: how often the 95 % interval holds the truth when the number of rounds is fixed. */
export function fixedCoverage(model: NoiseModel, n: number, runs: number): Claim {
  const random = seeded(`coverage ${model.name} ${n}`);
  let covered = 0;
  for (let run = 0; run < runs; run++) {
    const [interval] = hodgesLehmann(pairedDifferences(model, n, TRIAL_SD, EFFECT, random), [0.95]).intervals;
    if (interval && interval.low <= EFFECT && EFFECT <= interval.high) covered++;
  }
  return shareClaim(
    `95 % interval holds the truth, ${n} rounds, ${model.name}`,
    { from: 0.945, to: 0.975 },
    covered,
    runs,
  );
}

/** STATISTICS 10, line 2: the same when the rounds are added until the interval is narrow enough. */
export function adaptiveCoverage(model: NoiseModel, runs: number): Claim {
  const random = seeded(`adaptive ${model.name}`);
  const policy = { min: FIRST_LOOK, max: 80, precision: 0.012, budgetMs: null };
  let covered = 0;
  let rounds = 0;
  for (let run = 0; run < runs; run++) {
    const all = pairedDifferences(model, policy.max, TRIAL_SD, EFFECT, random);
    let n = policy.min;
    while (!stopsAt(all.subarray(0, n), policy)) n++;
    rounds += n;
    const [interval] = afterStopping(all.slice(0, n), [0.95]).intervals;
    if (interval && interval.low <= EFFECT && EFFECT <= interval.high) covered++;
  }
  return shareClaim(
    `the same with adaptive stopping (mean ${(rounds / runs).toFixed(0)} rounds), ${model.name}`,
    { from: 0.95 },
    covered,
    runs,
  );
}

/** The product's own rule, fed with two arms whose paired log-ratios are the given ones. */
function stopsAt(differences: Float64Array, policy: Parameters<typeof decideStop>[1]['policy']): boolean {
  const rounds = differences.length;
  if (!isLook(rounds, policy)) return false;
  const numbers = Float64Array.from({ length: rounds }, (_, i) => i);
  const one = {
    workload: 'w',
    metric: 'm',
    unit: 'ms',
    better: 'lower',
    rounds: numbers,
    positions: null,
  } as const;
  const [decision] = decideStop(
    [
      { ...one, arm: 'base', values: new Float64Array(rounds).fill(1) },
      { ...one, arm: 'arm', values: differences.map(Math.exp) },
    ],
    { rounds, elapsedMs: 0, baseline: 'base', confidence: 0.95, policy },
  );
  return decision?.stop ?? true;
}
