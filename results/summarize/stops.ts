import type { GateRecord } from '../record/gate.ts';
import type { Plan } from '../record/plan.ts';
import type { Stop } from '../record/summary.ts';
import type { TrialRecord } from '../record/trial.ts';
import { decideStop, isLook } from '../statistics/stopping.ts';
import { trialSeries } from './observations.ts';
import { voidedRounds } from './voided-rounds.ts';

/**
 * What the plan's stopping rule says when `rounds` rounds are done: one decision per workload. Reads only trials of those
 * rounds and of spare ones, and takes the time from the trials' own run clock, so that the decision of a live run and
 * the one recomputed from its journal (also after a resume) are the same. Empty when no look is due.
 */
export function stopsAfter(plan: Plan, trials: readonly TrialRecord[], rounds: number): Stop[] {
  const policy = plan.stopping;
  if (!policy) return [];
  const seen = trials.filter(({ round }) => round < rounds || round >= plan.rounds);
  const elapsed = elapsedMs(seen);
  const spent = policy.budgetMs !== null && elapsed >= policy.budgetMs;
  if (!isLook(rounds, policy) && !(spent && rounds >= policy.min)) return [];
  const primary = new Set(
    plan.workloads.flatMap(({ id, metrics }) =>
      metrics.filter((metric) => metric.primary).map((metric) => `${id}\0${metric.name}`),
    ),
  );
  const series = trialSeries(plan, seen, voidedRounds(seen)).filter(({ workload, metric }) =>
    primary.has(`${workload}\0${metric}`),
  );
  return decideStop(series, {
    rounds,
    elapsedMs: elapsed,
    baseline: plan.baseline,
    confidence: plan.policy.confidence,
    policy,
  });
}

/**
 * The workloads that have stopped when `rounds` rounds are done, each with the decision that stopped it: the rule applied
 * after each round in turn, since who has stopped stays stopped.
 */
export function stoppedBy(plan: Plan, trials: readonly TrialRecord[], rounds: number): Map<string, Stop> {
  const stopped = new Map<string, Stop>();
  for (let done = plan.stopping?.min ?? Infinity; done <= rounds; done++)
    for (const decision of stopsAfter(plan, trials, done))
      if (decision.stop && !stopped.has(decision.workload)) stopped.set(decision.workload, decision);
  return stopped;
}

/** For the summary: how each workload came to its end, or how far it was when an interrupted run ended. */
export function stopsOfRun(plan: Plan, trials: readonly TrialRecord[]): Stop[] {
  const done = trials.reduce(
    (most, { round }) => (round < plan.rounds ? Math.max(most, round + 1) : most),
    0,
  );
  const stopped = stoppedBy(plan, trials, done);
  let latest: Stop[] = [];
  for (let rounds = done; rounds > 0 && latest.length === 0; rounds--)
    latest = stopsAfter(plan, trials, rounds);
  return plan.workloads.flatMap(({ id }) => {
    const decision = stopped.get(id) ?? latest.find(({ workload }) => workload === id);
    return decision ? [decision] : [];
  });
}

/**
 * For the summary of a run that a gate ended because it had its answer: every workload stopped there. Empty when the gate
 * let it run on to its last round, and when trials of later rounds show that somebody did.
 */
export function stopsByGate(
  plan: Plan,
  trials: readonly TrialRecord[],
  gate: GateRecord | undefined,
): Stop[] {
  if (!gate || gate.answer === 'inconclusive' || gate.rounds >= plan.rounds) return [];
  if (trials.some(({ round }) => round >= gate.rounds && round < plan.rounds)) return [];
  const why = `stopped at look ${gate.look} of ${gate.looks}, after ${gate.rounds} of ${plan.rounds} rounds, by the gate's decision: ${gate.answer}`;
  return plan.workloads.map(({ id }) => ({
    ...{ workload: id, stop: true, reason: 'gate-decided' as const, rounds: gate.rounds },
    ...{ halfWidth: null, widest: null, why },
  }));
}

function elapsedMs(trials: readonly TrialRecord[]): number {
  return trials.reduce((latest, { offsetMs, stepsMs }) => {
    const ended = offsetMs + Object.values(stepsMs).reduce((sum, ms) => sum + ms, 0);
    return Math.max(latest, ended);
  }, 0);
}
