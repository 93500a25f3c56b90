import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';

/** Seconds a trial takes beside its timed window, when this machine has no finished trial to learn from. */
const UNKNOWN_OVERHEAD_S = 2;

/**
 * Seconds each cell's trial takes: the expected window, or the last windows seen, plus the median of what the other
 * steps took in earlier trials of the same arm (this run's own ones come first).
 */
export function secondsPerCell(plan: Plan, earlier: readonly TrialRecord[]): Map<string, number> {
  return new Map(
    plan.cells.map((cell) => {
      const same = earlier.filter((trial) => trial.cell === cell.id && trial.outcome.status === 'completed');
      const sameArm = same.length > 0 ? same : earlier.filter((trial) => trial.arm === cell.arm);
      const workload = plan.workloads.find((candidate) => candidate.id === cell.workload);
      const totals = sameArm.map((trial) => {
        const all = Object.values(trial.stepsMs).reduce((sum, ms) => sum + ms, 0);
        return same.length > 0
          ? all / 1000
          : (all - (trial.stepsMs.run ?? 0)) / 1000 + (workload?.seconds ?? 0);
      });
      totals.sort((a, b) => a - b);
      return [cell.id, totals[totals.length >> 1] ?? (workload?.seconds ?? 0) + UNKNOWN_OVERHEAD_S];
    }),
  );
}

/** Seconds for the planned rounds (spare ones not counted) from trial `done` on. */
export function secondsLeft(
  plan: Plan,
  perCell: ReadonlyMap<string, number>,
  done: ReadonlySet<string>,
): number {
  let seconds = 0;
  for (const [round, order] of plan.order.slice(0, plan.rounds).entries()) {
    for (const cell of order) if (!done.has(trialId(round, cell))) seconds += perCell.get(cell) ?? 0;
  }
  return seconds;
}

/** The name of a trial and of its log folder. */
export function trialId(round: number, cell: string): string {
  return `r${String(round).padStart(3, '0')}-${cell}`;
}
