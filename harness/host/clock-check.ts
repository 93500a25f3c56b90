import type { ClockCheck } from '../../results/record/trial.ts';

/** One look at the clock inside, between two stamps of the host's monotonic clock. All in ns. */
export interface ClockReading {
  beforeNs: bigint;
  insideNs: bigint;
  afterNs: bigint;
}

/**
 * How far the inside clock is off between two looks at it (DESIGN, fairness 7). The inside was read somewhere between the
 * stamps of each look, so the true time between the reads lies in [before₂ − after₁, after₂ − before₁]: its middle is the
 * host's answer, half its width the uncertainty, and only what lies outside counts as drift.
 */
export function checkClock(first: ClockReading, second: ClockReading): ClockCheck {
  const shortestMs = ms(second.beforeNs - first.afterNs);
  const longestMs = ms(second.afterNs - first.beforeNs);
  const insideMs = ms(second.insideNs - first.insideNs);
  const hostMs = (shortestMs + longestMs) / 2;
  const uncertaintyMs = (longestMs - shortestMs) / 2;
  const beyondMs = Math.max(0, Math.abs(insideMs - hostMs) - uncertaintyMs);
  return { insideMs, hostMs, uncertaintyMs, drift: hostMs > 0 ? beyondMs / hostMs : 0 };
}

function ms(ns: bigint): number {
  return Number(ns) / 1e6;
}
