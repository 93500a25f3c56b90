import { FIRST_LOOK, LOOK_EVERY } from './defaults.ts';
import { afterStopping } from './hodges-lehmann.ts';
import { logRatios, pair } from './paired.ts';
import type { Series } from './series.ts';

/** `trials: {min, max, precision, budget}` of a matrix. */
export interface StopPolicy {
  /** Rounds before the first look. */
  min: number;
  /** Rounds after which the run ends in any case. */
  max: number;
  /** Target half-width of every overhead's interval, as a ratio (0.01: ±1 %). */
  precision: number;
  /** Wall time after which no further round begins; null: none. */
  budgetMs: number | null;
}

export type StopReason = 'precision-met' | 'max-rounds' | 'budget-spent' | 'goes-on';

/** What a look found for one workload. All arms of a workload stop together, so that its rounds stay whole blocks. */
export interface StopDecision {
  workload: string;
  stop: boolean;
  reason: StopReason;
  /** Rounds behind the decision. */
  rounds: number;
  /** Widest half-width at the look level among its comparisons, as a ratio; null when none can be formed yet. */
  halfWidth: number | null;
  /** The comparison that is widest, in words. */
  widest: string | null;
  /** In one sentence. */
  why: string;
}

/** Whether a look at precision is due when `rounds` rounds are done: at the minimum, then every five rounds. */
export function isLook(rounds: number, policy: StopPolicy): boolean {
  return rounds >= policy.min && ((rounds - policy.min) % LOOK_EVERY === 0 || rounds >= policy.max);
}

/** The default minimum: ten rounds, unless the maximum is lower. */
export function defaultMinimum(max: number): number {
  return Math.min(FIRST_LOOK, max);
}

/**
 * STATISTICS 5, as a pure function of what was seen: which workloads have what they need. Looks only at widths, never at
 * verdicts, effects or p-values: stopping when a verdict appears turns 5 % false alarms into 29 %. A comparison that
 * cannot be formed (a value of 0, an arm that always fails) is left out, because more rounds would not mend it.
 */
export function decideStop(
  series: readonly Series[],
  context: { rounds: number; elapsedMs: number; baseline: string; confidence: number; policy: StopPolicy },
): StopDecision[] {
  const { rounds, elapsedMs, policy } = context;
  const workloads = [...new Set(series.map((one) => one.workload))];
  return workloads.map((workload) => {
    const mine = series.filter((one) => one.workload === workload);
    const widths = halfWidths(mine, context.baseline, context.confidence);
    const widest = widths.reduce<Width | null>(
      (most, one) => (most && most.width >= one.width ? most : one),
      null,
    );
    const halfWidth = widest && Number.isFinite(widest.width) ? Math.expm1(widest.width) : null;
    const met = widest !== null && widest.width <= Math.log1p(policy.precision);
    const spent = policy.budgetMs !== null && elapsedMs >= policy.budgetMs;
    const reason: StopReason =
      met && isLook(rounds, policy)
        ? 'precision-met'
        : rounds >= policy.max
          ? 'max-rounds'
          : spent && rounds >= policy.min
            ? 'budget-spent'
            : 'goes-on';
    const decided = { workload, rounds, halfWidth, widest: widest?.name ?? null, reason };
    return { ...decided, stop: reason !== 'goes-on', why: stopSentence(decided, policy) };
  });
}

interface Width {
  name: string;
  /** Half-width of the log-ratio's interval at the look level; Infinity when there are too few rounds. */
  width: number;
}

function halfWidths(series: readonly Series[], baseline: string, confidence: number): Width[] {
  const widths: Width[] = [];
  for (const one of series) {
    if (one.arm === baseline) continue;
    const base = series.find((other) => other.arm === baseline && other.metric === one.metric);
    if (!base) continue;
    const ratios = logRatios(pair(one, base), one.better);
    if ('differences' in ratios)
      widths.push({ name: `${one.arm} ${one.metric}`, width: halfWidth(ratios.differences, confidence) });
  }
  if (widths.length > 0) return widths;
  // Nothing to compare with: the location of each arm's own values.
  for (const one of series)
    if (one.values.every((value) => value > 0))
      widths.push({
        name: `${one.arm} ${one.metric}`,
        width: halfWidth(one.values.map(Math.log), confidence),
      });
  return widths;
}

function halfWidth(values: Float64Array, confidence: number): number {
  const [interval] = afterStopping(values, [confidence]).intervals;
  return interval ? (interval.high - interval.low) / 2 : Infinity;
}

function stopSentence(
  { reason, rounds, halfWidth, widest }: Omit<StopDecision, 'stop' | 'why'>,
  policy: StopPolicy,
): string {
  const target = `±${percent(policy.precision)}`;
  const seen = halfWidth === null ? 'no interval yet' : `±${percent(halfWidth)} (${widest})`;
  switch (reason) {
    case 'precision-met':
      return `target precision ${target} met after ${rounds} rounds: ${seen}`;
    case 'max-rounds':
      return `target precision ${target} not met: ${seen} after the most rounds allowed (${rounds})`;
    case 'budget-spent':
      return `target precision ${target} not met: ${seen} when the time budget was spent (${rounds} rounds)`;
    case 'goes-on':
      return `goes on after ${rounds} rounds: ${seen}, target ${target}`;
  }
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2).replace(/\.?0+$/, '')} %`;
}
