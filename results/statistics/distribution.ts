import { incompleteBeta, logGamma } from './incomplete-beta.ts';
import { lowerGamma, upperGamma } from './incomplete-gamma.ts';

/** Φ(z), through the incomplete gamma: erf(x) = P(1/2, x²). Relative error below 1e-13 also in the lower tail. */
export function normalCdf(z: number): number {
  const x = (z * z) / 2;
  return z < 0 ? 0.5 * upperGamma(0.5, x) : 0.5 + 0.5 * lowerGamma(0.5, x);
}

/** Φ⁻¹(p), by Newton's method on normalCdf; simple-statistics' probit is off in the third digit. */
export function normalQuantile(p: number): number {
  return quantile(p, normalCdf, (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
}

/** P(T ≤ t) of Student's t with `df` degrees of freedom (need not be whole). */
export function studentCdf(t: number, df: number): number {
  const tail = 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
  return t < 0 ? tail : 1 - tail;
}

const studentQuantiles = new Map<string, number>();

/** The t with P(T ≤ t) = p. Remembered: a look during a run asks for the same few again and again. */
export function studentQuantile(p: number, df: number): number {
  const key = `${p} ${df}`;
  let t = studentQuantiles.get(key);
  if (t === undefined) {
    const logScale = logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * Math.log(df * Math.PI);
    const density = (x: number): number => Math.exp(logScale - ((df + 1) / 2) * Math.log1p((x * x) / df));
    t = quantile(p, (x) => studentCdf(x, df), density);
    if (studentQuantiles.size > 10_000) studentQuantiles.clear();
    studentQuantiles.set(key, t);
  }
  return t;
}

/** P(F > f) with (df1, df2) degrees of freedom. */
export function fUpperTail(f: number, df1: number, df2: number): number {
  return f <= 0 ? 1 : incompleteBeta(df2 / (df2 + df1 * f), df2 / 2, df1 / 2);
}

/** P(X > x) of chi-squared with `df` degrees of freedom. */
export function chiSquaredUpperTail(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/** Newton's steps, kept inside a bracket that bisection guarantees. Both distributions are symmetric about 0. */
function quantile(p: number, cdf: (x: number) => number, density: (x: number) => number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN;
  if (p === 0.5) return 0;
  if (p < 0.5) return -quantile(1 - p, cdf, density);
  let low = 0;
  let high = 1;
  while (cdf(high) < p) {
    low = high;
    high *= 2;
  }
  let x = (low + high) / 2;
  for (let i = 0; i < 200; i++) {
    const excess = cdf(x) - p;
    if (excess < 0) low = x;
    else high = x;
    const newton = x - excess / density(x);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-14 * Math.abs(x)) return next;
    x = next;
  }
  return x;
}
