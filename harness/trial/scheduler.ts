import type { Cell, Plan } from '../../results/record/plan.ts';
import type { Stop } from '../../results/record/summary.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { stoppedBy, stopsAfter } from '../../results/summarize/stops.ts';
import type { Prepared } from '../../runtimes/contract.ts';
import { BenchError } from '../../results/bench-error.ts';
import type { Catalog } from '../catalog.ts';
import { trialId } from '../plan/estimate.ts';
import { TRIAL_DEFAULTS } from './defaults.ts';
import type { Observer } from './observer.ts';
import { runTrial } from './run-trial.ts';

/** What is about to run, for whoever shows progress. Nothing is shown while a workload is timed. */
export interface Upcoming {
  round: number;
  spare: boolean;
  cell: Cell;
  index: number;
  done: readonly TrialRecord[];
}

export interface ScheduleInputs {
  plan: Plan;
  catalog: Catalog;
  prepared: ReadonlyMap<string, Prepared | Error>;
  /** Trials already recorded (resume); aborted ones are run again. */
  recorded: readonly TrialRecord[];
  runFolder: string;
  observer: Observer;
  signal: AbortSignal;
  append(record: TrialRecord): Promise<void>;
  /** Asked when `rounds` planned rounds are complete; true ends the run there (a gate that has its answer). */
  endAfter?(plan: Plan, done: readonly TrialRecord[], rounds: number): boolean | Promise<boolean>;
  /** A workload has stopped before its last round, or looked and goes on; in words. */
  onLook?(why: string): void;
  onTrialStart?(upcoming: Upcoming): void;
  onTrialEnd?(record: TrialRecord, done: readonly TrialRecord[]): void;
}

/**
 * Runs the plan: every round, every cell once, in the plan's order, one at a time; each record is appended before the
 * next trial starts. Rounds that a disturbance voided are replaced from the plan's spare rounds, for the workloads
 * concerned and for all their arms, so that rounds stay complete blocks. Returns all records, earlier ones included.
 */
export async function runSchedule(inputs: ScheduleInputs): Promise<TrialRecord[]> {
  const { plan, signal } = inputs;
  const done = inputs.recorded.filter((record) => record.outcome.status !== 'aborted');
  const ids = new Set(done.map((record) => record.trial));
  const startedAt = performance.now() - resumeOffsetMs(done);
  for (let round = 0; round < plan.order.length && !signal.aborted; round++) {
    const stopped = stoppedBy(plan, done, Math.min(round, plan.rounds));
    const wanted = round < plan.rounds ? going(plan, stopped) : workloadsShortOfRounds(plan, done, stopped);
    if (wanted.size === 0) {
      if (round < plan.rounds) continue;
      break;
    }
    for (const [position, cellId] of (plan.order[round] ?? []).entries()) {
      if (signal.aborted) break;
      const cell = plan.cells.find((candidate) => candidate.id === cellId);
      if (!cell || !wanted.has(cell.workload) || ids.has(trialId(round, cellId))) continue;
      inputs.onTrialStart?.({ round, spare: round >= plan.rounds, cell, index: done.length, done });
      const record = await runCell(inputs, cell, round, position, startedAt, done);
      await inputs.append(record);
      done.push(record);
      inputs.onTrialEnd?.(record, done);
    }
    if (round < plan.rounds && !signal.aborted) {
      for (const look of stopsAfter(plan, done, round + 1))
        if (wanted.has(look.workload)) inputs.onLook?.(look.why);
      if (await inputs.endAfter?.(plan, done, round + 1)) break;
    }
  }
  return done;
}

async function runCell(
  inputs: ScheduleInputs,
  cell: Cell,
  round: number,
  position: number,
  runStartedAt: number,
  done: readonly TrialRecord[],
): Promise<TrialRecord> {
  const { plan, catalog } = inputs;
  const planned = plan.workloads.find((candidate) => candidate.id === cell.workload);
  const workload = catalog.workloads.find((candidate) => candidate.id === planned?.workload);
  if (!planned || !workload) {
    throw new BenchError(
      'plan-unknown-workload',
      `the plan names workload ${cell.workload}, which this version does not have`,
      {
        hint: 'resume a run with the version of Tare that began it',
      },
    );
  }
  const prepared = inputs.prepared.get(cell.arm) ?? new Error(`arm ${cell.arm} was not prepared`);
  return runTrial({
    plan,
    cell,
    round,
    position,
    prepared: givenUp(cell, done) ?? prepared,
    workload,
    planned,
    runFolder: inputs.runFolder,
    runStartedAt,
    observer: inputs.observer,
    signal: inputs.signal,
    baselineInside: done.find((record) => record.arm === plan.baseline && record.inside)?.inside ?? undefined,
  });
}

/** The error that stands for a cell which failed too often without one success. */
function givenUp(cell: Cell, done: readonly TrialRecord[]): BenchError | undefined {
  const same = done.filter((record) => record.cell === cell.id);
  const failures = same.filter(
    (record) => record.outcome.status === 'failed' || record.outcome.status === 'timed-out',
  );
  if (failures.length < TRIAL_DEFAULTS.failuresBeforeGivingUp || failures.length < same.length)
    return undefined;
  const last = failures.at(-1)?.outcome;
  const why = last && 'message' in last ? last.message : 'unknown';
  return new BenchError(
    'cell-given-up',
    `not tried again after ${failures.length} failures; the last: ${why}`,
    {
      hint: 'the logs of the first failures hold the reason',
    },
  );
}

/** Workloads whose stopping rule has not ended them. */
function going(plan: Plan, stopped: ReadonlyMap<string, Stop>): Set<string> {
  return new Set(plan.workloads.map(({ id }) => id).filter((id) => !stopped.has(id)));
}

/**
 * Workloads that ran to the last round, in which some round was voided by a disturbance, and so have fewer good rounds
 * than planned. One that stopped because it was precise enough, or because the budget was spent, needs none.
 */
function workloadsShortOfRounds(
  plan: Plan,
  done: readonly TrialRecord[],
  stopped: ReadonlyMap<string, Stop>,
): Set<string> {
  const short = new Set<string>();
  for (const workload of plan.workloads) {
    const stop = stopped.get(workload.id);
    if (stop && stop.reason !== 'max-rounds') continue;
    const records = done.filter((record) => record.workload === workload.id);
    const voided = new Set(records.filter((r) => r.outcome.status === 'invalid').map((r) => r.round));
    const rounds = new Set(records.map((record) => record.round));
    if (voided.size > 0 && rounds.size - voided.size < plan.rounds) short.add(workload.id);
  }
  return short;
}

function resumeOffsetMs(done: readonly TrialRecord[]): number {
  return Math.max(
    0,
    ...done.map((record) => record.offsetMs + Object.values(record.stepsMs).reduce((sum, ms) => sum + ms, 0)),
  );
}
