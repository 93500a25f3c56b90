import type { Comparison } from '../record/summary.ts';

/** The verdict in one sentence, with the numbers that carry it. Overheads are costs: +5 % is five per cent worse. */
export function verdictSentence(comparison: Comparison, { margin }: { margin: number }): string {
  const { problem, overhead, interval, interval90, verdict, arm, baseline, n } = comparison;
  if (problem) return `no verdict: ${problem}`;
  if (overhead === null || interval === null) return 'no verdict';
  const span = `${change(interval.low)} to ${change(interval.high)}, ${percent(interval.level)} interval, ${n} rounds`;
  const within = `±${percent(margin)}`;
  switch (verdict) {
    case 'worse':
      return `${arm} costs ${change(overhead)} against ${baseline} (${span})`;
    case 'better':
      return `${arm} costs ${change(overhead)} against ${baseline}, so less (${span})`;
    case 'equivalent':
      return interval.low === interval.high
        ? `${arm} and ${baseline} gave the same ratio in every round: any difference is below what the metric resolves`
        : `${arm} is within ${within} of ${baseline} (${change(interval90?.low ?? NaN)} to ${change(interval90?.high ?? NaN)}, ${percent(interval90?.level ?? NaN)} interval, ${n} rounds)`;
    case 'different-but-negligible':
      return `${arm} differs from ${baseline}, but by less than ${within} (${span})`;
    case 'inconclusive':
      return `neither a difference nor equivalence within ${within} is shown (${span}); at this noise equivalence needs about ${comparison.roundsNeeded} rounds`;
  }
}

/** A cost ratio as people say it: +3.1 %, −0.4 %, from two times on as ×2.7. */
export function change(ratio: number): string {
  if (ratio >= 2) return `×${ratio.toPrecision(3)}`;
  const points = (ratio - 1) * 100;
  const digits = Math.abs(points) < 1 ? 2 : 1;
  const text = Math.abs(points).toFixed(digits);
  return `${Number(text) === 0 ? '±' : points < 0 ? '−' : '+'}${text} %`;
}

function percent(share: number): string {
  return `${+(share * 100).toFixed(2)} %`;
}
