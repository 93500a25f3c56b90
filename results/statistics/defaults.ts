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

/** STATISTICS 5: first look, and rounds between looks. */
export const FIRST_LOOK = 10;
export const LOOK_EVERY = 5;

/**
 * Share of α that an interval is computed at when the number of rounds depended on its width: the 97 % interval is
 * compared with the target at looks and is reported as 95 %. Stopping when an interval is narrow favours the moments
 * when it is too narrow by chance; a plain 95 % interval would then hold the truth 91–94 % of the time
 * (`npm run bench:statistics` measures what this one does).
 */
export const ADAPTIVE_ALPHA_SHARE = 0.6;

/** STATISTICS 6: error rate of the whole gate, over all metrics and looks. */
export const GATE_ALPHA = 0.05;

/** Rounds at which a gate looks. Two early chances to stop; 60 rounds find 5 % at a paired sd of 3 %. */
export const GATE_LOOKS: readonly number[] = [20, 40, 60];

/**
 * Tolerance of a gate's metric when none is given: 2 %. At 60 rounds, 40 metrics and a paired sd of 3 % the smallest
 * regression found nine times in ten is then just under 4 %.
 */
export const GATE_TOLERANCE = 0.02;

/** STATISTICS 7: points that each side of a change must have. */
export const CHANGE_MIN_SIDE = 5;

/** Level of one test for a change. Histories are judged again at each commit, so it is far below 5 %. */
export const CHANGE_ALPHA = 0.002;

/** Draws of the null of the change statistic: ten times 1/CHANGE_ALPHA, so that a p at the level rests on ten draws. */
export const CHANGE_DRAWS = 4999;

/** Residual lag-1 above which critical values are drawn from AR(φ̂) instead of from permutations. */
export const MATERIAL_LAG1 = 0.1;

/** Standard errors (1/√n) added to the residual lag-1: without them AR(0.3) raises 0.13 false alarms, with them 0.07. */
export const LAG1_CAUTION = 0.5;

/** Standard errors (1/√n) above the lag-1 that first differences show, which the residual lag-1 may not exceed. */
export const LAG1_BOUND = 2;

/** Share of the changes reported over all series of a history that may be false (Benjamini–Hochberg). */
export const HISTORY_FALSE_DISCOVERY = 0.05;
