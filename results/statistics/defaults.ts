/** Every threshold of the inference, with its reason. */

/** Confidence of the intervals that decide `worse` and `better`. */
export const CONFIDENCE = 0.95;

/** Equivalence margin: a difference below 1 % is within what rebuilding the same program moves (Mytkowicz 2009). */
export const MARGIN = 0.01;

/** Below this many rounds no two-sided signed-rank interval reaches 95 %: 2·2⁻⁵ = 0.0625 > 0.05. */
export const MINIMUM_ROUNDS = 6;

/**
 * Up to here the signed-rank null is counted exactly (about n³/6 additions, 5 ms at 300); above it the normal
 * approximation with the kurtosis term is within 1e-6 of it (tests/results/statistics/signed-rank.test.ts).
 */
export const EXACT_SIGNED_RANK_LIMIT = 300;

/** Up to here all n(n−1)/2 slopes are taken; above it Theil's incomplete method (pairs i, i + n/2), which is O(n). */
export const EXACT_THEIL_SEN_LIMIT = 200;

/** Power at which "rounds needed" and the smallest detectable effect are stated. */
export const POWER = 0.9;

/** A standardised position effect above this is shown: three standard errors. */
export const POSITION_EFFECT_SHOWN = 3;

/** |lag-1| above 2/√n is more than an independent series shows 5 % of the time (Bartlett 1946). */
export const LAG1_STANDARD_ERRORS = 2;
