/**
 * From this ratio of the largest to the smallest value a linear axis presses the small ones together: below it a linear
 * axis shows shares of the whole, above it a logarithmic one shows ratios.
 */
const LOG_FROM = 4;

/**
 * Sizes a picture can show: beyond them differences overflow and logarithms underflow. No measurement is near; a run from
 * a stranger may be. What lies outside is left out of pictures, and stands in the tables.
 */
const DRAWABLE = { least: 1e-120, most: 1e120 };

/** Whether a value can have a place on an axis. */
export function isDrawable(value: number): boolean {
  const size = Math.abs(value);
  return Number.isFinite(value) && size <= DRAWABLE.most && (size === 0 || size >= DRAWABLE.least);
}

export type ScaleType = 'linear' | 'log';

/** Linear or logarithmic, by the spread of the values. */
export function scaleFor(values: readonly number[]): ScaleType {
  const positive = values.filter((value) => value > 0);
  if (positive.length < values.length || positive.length === 0) return 'linear';
  return max(positive) / min(positive) > LOG_FROM ? 'log' : 'linear';
}

/** A domain with some air at both ends, so that no mark is cut by the frame. */
export function domainFor(values: readonly number[], type: ScaleType, air = 0.06): [number, number] {
  const low = min(values);
  const high = max(values);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (type === 'log') {
    const step = Math.max((Math.log(high) - Math.log(low)) * air, 0.02);
    return [Math.exp(Math.log(low) - step), Math.exp(Math.log(high) + step)];
  }
  const step = Math.max((high - low) * air, Math.abs(high) * 1e-3, 1e-12);
  return [low - step, high + step];
}

/** Ticks at 1, 2 and 5 of each power of ten, thinned until they fit: a log axis with one label tells nothing. */
export function logTicks([low, high]: [number, number], atMost: number): number[] {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const step of steps) {
        const tick = Number((step * 10 ** power).toPrecision(3));
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    if (ticks.length >= 2 && ticks.length <= atMost) return ticks;
    if (ticks.length < 2) break;
  }
  const every: number[] = [];
  const first = Math.ceil(Math.log10(low));
  const last = Math.floor(Math.log10(high));
  const stride = Math.max(1, Math.ceil((last - first + 1) / atMost));
  for (let power = first; power <= last; power += stride) {
    const tick = Number((10 ** power).toPrecision(1));
    if (tick >= low && tick <= high) every.push(tick);
  }
  return every.length >= 2
    ? every
    : [tidy(low), tidy(Math.sqrt(low * high)), tidy(high)].filter((v) => v >= low && v <= high);
}

function tidy(value: number): number {
  return Number(value.toPrecision(2));
}

function min(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function max(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

/** The scale itself, with the domain as given: no rounding outwards, no forced zero (which a logarithmic axis cannot have). */
export function scaleOf(type: ScaleType, domain: [number, number]) {
  return type === 'log'
    ? { type, domain, nice: false as const }
    : { type, domain, nice: false as const, zero: false as const };
}
