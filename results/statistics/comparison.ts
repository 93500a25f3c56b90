import type { Comparison, Interval, Sight } from '../record/summary.ts';
import { ADAPTIVE_ALPHA_SHARE, MINIMUM_ROUNDS } from './defaults.ts';
import { sampleSd } from './describe.ts';
import { fiellerRatio } from './fieller.ts';
import { afterStopping, hodgesLehmann } from './hodges-lehmann.ts';
import { logRatios, pair, type Pairs } from './paired.ts';
import { positionEffect } from './position-effect.ts';
import { detectableShift, roundsForEquivalence } from './rounds-needed.ts';
import type { Series } from './series.ts';
import { signedRankTest } from './signed-rank-test.ts';
import { verdictOf } from './verdict.ts';
import { verdictSentence } from './verdict-sentence.ts';

export interface ComparisonOptions {
  /** Equivalence margin as a ratio. */
  margin: number;
  /** Of the interval that decides `worse`/`better`; equivalence is judged at 1 − 2·(1 − confidence). */
  confidence: number;
  /** The number of rounds depended on the width of the intervals (an adaptive run). */
  adaptive?: boolean;
}

/** STATISTICS 3–4: one arm against the baseline over the rounds that both have. Never throws; `problem` says why not. */
export function compareSeries(arm: Series, baseline: Series, options: ComparisonOptions): Comparison {
  const pairs = pair(arm, baseline);
  const n = pairs.rounds.length;
  const blank: Comparison = {
    workload: arm.workload,
    arm: arm.arm,
    baseline: baseline.arm,
    metric: arm.metric,
    unit: arm.unit,
    better: arm.better,
    n,
    overhead: null,
    interval: null,
    interval90: null,
    pValue: null,
    method: 'none',
    verdict: 'inconclusive',
    why: '',
    stallCost: null,
    pairedSd: null,
    roundsNeeded: null,
    sight: null,
    positionEffect: null,
    problem: null,
  };
  const without = (problem: string): Comparison => ({ ...blank, problem, why: `no verdict: ${problem}` });
  if (arm.unit !== baseline.unit) return without(`two units, '${arm.unit}' and '${baseline.unit}'`);
  if (arm.better !== baseline.better) return without('the two arms disagree about which direction is better');
  if (n === 0) return without(`no round in which both '${arm.arm}' and '${baseline.arm}' have a value`);
  const ratios = logRatios(pairs, arm.better);
  if (!('differences' in ratios))
    return without(
      `'${ratios.side === 'arm' ? arm.arm : baseline.arm}' is ${ratios.value} in round ${ratios.round}: ` +
        'a ratio needs values above 0',
    );

  const { differences } = ratios;
  const locate = options.adaptive ? afterStopping : hodgesLehmann;
  const location = locate(differences, [options.confidence, 1 - 2 * (1 - options.confidence)]);
  const [logInterval = null, logEquivalence = null] = location.intervals;
  const test = signedRankTest(differences);
  const sd = n >= 2 ? sampleSd(differences) : null;
  const overhead = Math.exp(location.estimate);
  const interval = logInterval && exponentiated(logInterval);
  const result: Comparison = {
    ...blank,
    overhead,
    interval,
    interval90: logEquivalence && exponentiated(logEquivalence),
    pValue: test.pTwoSided,
    method: test.method,
    verdict: logInterval ? verdictOf(logInterval, logEquivalence, options.margin) : 'inconclusive',
    stallCost: stallCost(pairs, arm.better, overhead, interval, options),
    pairedSd: sd,
    roundsNeeded:
      sd === null
        ? null
        : Math.max(MINIMUM_ROUNDS, roundsForEquivalence(sd, options.margin, 1 - options.confidence)),
    sight: sightOf(n, sd, options),
    positionEffect: positionEffect(differences, pairs.positions),
  };
  if (!logInterval) {
    const needed = roundsForInterval(options.confidence);
    result.problem = `too few rounds: ${n}, and an interval at ${percent(options.confidence)} needs ${needed}`;
  }
  return { ...result, why: verdictSentence(result, options) };
}

/**
 * The smallest worsening that n rounds of this scatter would have called `worse` nine times in ten, judged as the interval
 * is: each side at half of what the confidence leaves, in an adaptive run at its share of that. Null where there is no
 * scatter to go by, or where no worsening, however large, could have been called one.
 */
export function sightOf(
  n: number,
  pairedSd: number | null,
  { confidence, adaptive }: Pick<ComparisonOptions, 'confidence' | 'adaptive'>,
): Sight | null {
  if (pairedSd === null || n < roundsForInterval(confidence)) return null;
  const alpha = (1 - confidence) * (adaptive ? ADAPTIVE_ALPHA_SHARE : 1);
  return { detectable: Math.expm1(detectableShift(n, pairedSd, alpha / 2)), from: 'pairs', floor: null };
}

/** The smallest n with 2·2⁻ⁿ ≤ 1 − confidence. */
export function roundsForInterval(confidence: number): number {
  return Math.ceil(Math.log2(2 / (1 - confidence)) - 1e-9);
}

/**
 * Ratio of totals, as cost. Stalls in one arm move it and leave the typical ratio alone, so it says something else when
 * it lies outside the typical ratio's interval by more than the margin. For `higher is better` the totals are of work
 * done in equal windows, so the cost is baseline / arm.
 */
function stallCost(
  pairs: Pairs,
  better: 'higher' | 'lower',
  typical: number,
  interval: Interval | null,
  { margin, confidence }: ComparisonOptions,
): Comparison['stallCost'] {
  const totals =
    better === 'lower'
      ? fiellerRatio(pairs.arm, pairs.baseline, confidence)
      : fiellerRatio(pairs.baseline, pairs.arm, confidence);
  if (!totals) return null;
  const { ratio } = totals;
  const outside = interval !== null && (ratio < interval.low || ratio > interval.high);
  return { ...totals, disagrees: outside && Math.abs(Math.log(ratio / typical)) > Math.log1p(margin) };
}

function exponentiated({ low, high, level }: Interval): Interval {
  return { low: Math.exp(low), high: Math.exp(high), level };
}

function percent(share: number): string {
  return `${+(share * 100).toFixed(2)} %`;
}
