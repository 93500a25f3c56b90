import { GATE_ALPHA, POWER } from './defaults.ts';
import { sampleSd } from './describe.ts';
import { benjaminiHochberg, holm } from './multiple-testing.ts';
import { detectableShift } from './rounds-needed.ts';
import { signedRankTest } from './signed-rank-test.ts';

/** One metric at a look: paired log-ratios of candidate against reference, above 0 is worse. */
export interface GateMetric {
  name: string;
  /** Tolerated worsening as a ratio (0.02: 2 %). For an absolute budget on overhead: the budget − 1. */
  tolerance: number;
  /** Null with a `problem` when there are no usable values: that fails the gate. */
  differences: Float64Array | null;
  problem: string | null;
}

export type GateAnswer = 'pass' | 'fail' | 'inconclusive';

export interface GateMetricResult {
  name: string;
  tolerance: number;
  answer: GateAnswer;
  n: number;
  /** One-sided: small when the metric got worse by more than the tolerance. */
  pFail: number | null;
  /** Holm-adjusted over the gate's metrics; this is what fails the gate. */
  pFailAdjusted: number | null;
  /** Benjamini–Hochberg; orders the report. */
  qFail: number | null;
  /** One-sided: small when it did not get worse by as much as the tolerance. */
  pPass: number | null;
  /**
   * Smallest worsening (as a ratio) that this job, at these rounds and this noise, would have failed nine times in ten.
   */
  detectable: number | null;
  problem: string | null;
}

export interface GateDecision {
  answer: GateAnswer;
  /** Level of each test at this look: α over the looks planned. */
  level: number;
  /** Worst first: broken metrics, then by q. */
  metrics: GateMetricResult[];
  /** Fewer rounds than this cannot fail a single metric: 2⁻ⁿ ≤ α/(mK). */
  roundsToFail: number;
}

/**
 * STATISTICS 6 at one look. Fails when a Holm-adjusted p for "worse by more than the tolerance" is at most α/K; passes
 * when for every metric the other side's p is; else inconclusive. K looks share α evenly (Bonferroni: exact enough and
 * free of assumptions about how the looks depend on each other).
 */
export function decideGate(
  metrics: readonly GateMetric[],
  { looks, alpha = GATE_ALPHA }: { looks: number; alpha?: number },
): GateDecision {
  const level = alpha / looks;
  const tests = metrics.map(({ differences, tolerance }) => {
    if (!differences || differences.length === 0) return null;
    const bound = Math.log1p(tolerance);
    const test = signedRankTest(differences.map((d) => d - bound));
    return {
      pFail: test.pGreater,
      pPass: test.pLess,
      sd: differences.length > 1 ? sampleSd(differences) : NaN,
    };
  });
  const pFails = tests.map((test) => test?.pFail ?? 1);
  const adjusted = holm(pFails);
  const q = benjaminiHochberg(pFails);
  const results = metrics.map(({ name, tolerance, differences, problem }, i): GateMetricResult => {
    const test = tests[i];
    const n = differences?.length ?? 0;
    if (!test)
      return {
        ...{ name, tolerance, answer: 'fail', n, pFail: null, pFailAdjusted: null, qFail: null, pPass: null },
        ...{ detectable: null, problem: problem ?? 'no value' },
      };
    const answer =
      problem !== null || (adjusted[i] as number) <= level
        ? 'fail'
        : test.pPass <= level
          ? 'pass'
          : 'inconclusive';
    const shift = detectableShift(n, test.sd, level / metrics.length, POWER);
    return {
      name,
      tolerance,
      answer,
      n,
      pFail: test.pFail,
      pFailAdjusted: adjusted[i] as number,
      qFail: q[i] as number,
      pPass: test.pPass,
      detectable: Number.isFinite(shift) ? Math.expm1(Math.log1p(tolerance) + shift) : null,
      problem,
    };
  });
  results.sort((a, b) => (a.problem ? -1 : (a.qFail ?? 1)) - (b.problem ? -1 : (b.qFail ?? 1)));
  const answer: GateAnswer = results.some((one) => one.answer === 'fail')
    ? 'fail'
    : results.length > 0 && results.every((one) => one.answer === 'pass')
      ? 'pass'
      : 'inconclusive';
  return { answer, level, metrics: results, roundsToFail: Math.ceil(Math.log2(metrics.length / level)) };
}
