import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';

/** How many rounds one cell needs, by what an earlier run saw of it. */
export interface RoundsNeeded {
  cell: string;
  /** For 90 % power to call it equivalent within the margin (STATISTICS 4). */
  rounds: number;
  /** Standard deviation of its paired log-ratios in the earlier run. */
  pairedSd: number;
}

/** What an earlier run says about a plan: rounds needed for each cell that both have; empty when they share none. */
export function roundsNeeded(plan: Plan, earlier: Summary): RoundsNeeded[] {
  const primary = new Map(
    plan.workloads.map(({ id, metrics }) => [id, metrics.find((metric) => metric.primary)?.name]),
  );
  return plan.cells.flatMap((cell) => {
    const seen = earlier.comparisons.find(
      (one) =>
        one.arm === cell.arm &&
        one.workload === cell.workload &&
        one.baseline === plan.baseline &&
        one.metric === primary.get(cell.workload),
    );
    return seen && seen.roundsNeeded !== null && seen.pairedSd !== null
      ? [{ cell: cell.id, rounds: seen.roundsNeeded, pairedSd: seen.pairedSd }]
      : [];
  });
}

/** The same in one sentence, dearest cells first; null when there is nothing to say. */
export function roundsNeededSentence(plan: Plan, needed: readonly RoundsNeeded[]): string | null {
  if (needed.length === 0) return null;
  const dearest = [...needed].sort((a, b) => b.rounds - a.rounds);
  const said = dearest
    .slice(0, MOST_NAMED)
    .map(({ cell, rounds, pairedSd }) => `${cell} ${rounds} (sd ${percent(pairedSd)})`);
  const more = dearest.length > MOST_NAMED ? `, ${dearest.length - MOST_NAMED} more need fewer` : '';
  return `by the last run, equivalence within ±${percent(plan.policy.margin)} needs about this many rounds: ${said.join(', ')}${more}; planned: ${plan.rounds}`;
}

const MOST_NAMED = 6;

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
