/** One line of the table of bars: what is claimed, what was measured, and whether it holds. */
export interface Claim {
  claim: string;
  bar: string;
  measured: string;
  holds: boolean;
  /** Beyond the bar by more than three standard errors: short runs may miss a bar by chance, but not so. */
  contradicted: boolean;
}

/** A claim about a share that was counted over seeded runs; `bar` holds the bounds of the share. */
export function shareClaim(
  claim: string,
  bar: { from?: number; to?: number },
  count: number,
  runs: number,
): Claim {
  const { from = 0, to = 1 } = bar;
  const p = count / runs;
  const error = Math.sqrt((p * (1 - p)) / runs);
  // The standard error of a share that is counted as 0 or 1 is not 0: as if one more had been seen.
  const slack = 3 * Math.max(error, 1 / runs);
  const percent = (value: number): string => `${+(100 * value).toFixed(2)}`;
  return {
    claim,
    bar:
      from === 0
        ? `≤ ${percent(to)} %`
        : to === 1
          ? `≥ ${percent(from)} %`
          : `${percent(from)}–${percent(to)} %`,
    measured: `${(100 * p).toFixed(2)} % ± ${(100 * error).toFixed(2)} (${runs} runs)`,
    holds: p >= from && p <= to,
    contradicted: p < from - slack || p > to + slack,
  };
}
