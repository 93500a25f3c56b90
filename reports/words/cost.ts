import type { Comparison, Interval } from '../../results/record/summary.ts';
import { defaults } from '../defaults.ts';
import { fixed, NBSP } from './number.ts';

/** A cost ratio as it is printed: '+5.1 %' or '13.2×', with its interval in the same form and precision. */
export interface CostWords {
  form: 'percent' | 'multiple';
  /** '+5.1 %', '13.2×'. */
  signed: string;
  /** The size alone, for sentences that say more or less in words: '5.1 %', '13.2×'. */
  plain: string;
  /** '[4.8, 5.4]', or null when there are too few rounds for one. */
  interval: string | null;
}

/** Words for the overhead of a comparison; null when it has none. */
export function costWords(comparison: Pick<Comparison, 'overhead' | 'interval'>): CostWords | null {
  const { overhead, interval } = comparison;
  if (overhead === null || !Number.isFinite(overhead)) return null;
  if (overhead >= defaults.multipleFrom) {
    const atMost = overhead >= 100 ? 0 : overhead >= 10 ? 1 : 2;
    const decimals = Math.min(
      atMost,
      decimalsFor(halfWidth(interval, overhead * 0.01), interval, (ratio) => ratio - 1),
    );
    const text = `${fixed(overhead, decimals)}×`;
    return {
      form: 'multiple',
      signed: text,
      plain: text,
      interval: bracket(interval, (x) => fixed(x, decimals)),
    };
  }
  const decimals = decimalsFor(100 * halfWidth(interval, 0.01), interval, (ratio) => (ratio - 1) * 100);
  const asPercent = (ratio: number): string => fixed((ratio - 1) * 100, decimals);
  const size = fixed(Math.abs(overhead - 1) * 100, decimals);
  const number = asPercent(overhead);
  return {
    form: 'percent',
    signed: `${overhead > 1 && Number(size) !== 0 ? '+' : ''}${number}${NBSP}%`,
    plain: `${size}${NBSP}%`,
    interval: bracket(interval, asPercent),
  };
}

/** A ratio alone, in the form its own size asks for. */
export function ratioWords(ratio: number | null): string {
  return ratio === null ? '–' : (costWords({ overhead: ratio, interval: null })?.signed ?? '–');
}

function bracket(interval: Interval | null, print: (ratio: number) => string): string | null {
  return interval === null ? null : `[${print(interval.low)}, ${print(interval.high)}]`;
}

function halfWidth(interval: Interval | null, otherwise: number): number {
  if (interval === null) return otherwise;
  const half = Math.abs(interval.high - interval.low) / 2;
  return Number.isFinite(half) && half > 0 ? half : otherwise;
}

/**
 * As many decimals as the interval supports (about two digits of its half-width, at most two), and enough that a bound which
 * excludes "no cost" is not printed as no cost.
 */
function decimalsFor(half: number, interval: Interval | null, distance: (ratio: number) => number): number {
  let decimals = half >= 5 ? 0 : half >= 0.05 ? 1 : 2;
  const nearest =
    interval && (interval.low > 1 || interval.high < 1)
      ? Math.min(Math.abs(distance(interval.low)), Math.abs(distance(interval.high)))
      : Infinity;
  while (decimals < 2 && Number(nearest.toFixed(decimals)) === 0) decimals++;
  return decimals;
}
