import type { TrialRecord } from '../record/trial.ts';

/** Rounds that do not count, workload by workload, and why. */
export interface VoidedRounds {
  isVoid(workload: string, round: number): boolean;
  count(workload: string): number;
  list: { round: number; reasons: string[] }[];
}

/**
 * An invalid trial (disturbed, not at parity) makes its round void for every arm of that workload, not only for its own
 * arm: dropping one side of a pair by what befell it would bias the other. It does not touch the round's other
 * workloads, because overheads are only ever formed within a workload, so no comparison mixes a void trial with a valid
 * one. Failed, timed-out and aborted trials have no value: their round is missing for their arm and stands for others.
 */
export function voidedRounds(trials: readonly TrialRecord[]): VoidedRounds {
  const byWorkload = new Map<string, Set<number>>();
  const reasons = new Map<number, string[]>();
  for (const { workload, round, trial, outcome } of trials) {
    if (outcome.status !== 'invalid') continue;
    const rounds = byWorkload.get(workload) ?? new Set<number>();
    byWorkload.set(workload, rounds.add(round));
    reasons.set(round, [
      ...(reasons.get(round) ?? []),
      ...outcome.reasons.map((reason) => `${workload} (trial ${trial}): ${reason}`),
    ]);
  }
  return {
    isVoid: (workload, round) => byWorkload.get(workload)?.has(round) ?? false,
    count: (workload) => byWorkload.get(workload)?.size ?? 0,
    list: [...reasons].sort(([a], [b]) => a - b).map(([round, why]) => ({ round, reasons: why })),
  };
}
