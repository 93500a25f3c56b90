import { BenchError, describeError } from '../../results/bench-error.ts';
import type { Cell, Plan, PlannedWorkload } from '../../results/record/plan.ts';
import type { Inside, Outcome, Step, TrialRecord } from '../../results/record/trial.ts';
import type { Instance, Prepared } from '../../runtimes/contract.ts';
import type { Measurement, Session, Workload } from '../../workloads/contract.ts';
import { clockFailure, invalidReasons, parityMismatches } from '../host/validity.ts';
import { trialId } from '../plan/estimate.ts';
import { AbortedError, DeadlineError, within } from './deadline.ts';
import { TRIAL_DEFAULTS } from './defaults.ts';
import type { Observer } from './observer.ts';
import { TrialLog } from './trial-log.ts';

export interface TrialInputs {
  plan: Plan;
  cell: Cell;
  round: number;
  position: number;
  /** What prepare() gave for the arm, or why it failed: then every trial of the arm fails with that. */
  prepared: Prepared | Error;
  workload: Workload;
  planned: PlannedWorkload;
  runFolder: string;
  /** performance.now() at the start of the run. */
  runStartedAt: number;
  observer: Observer;
  signal: AbortSignal;
  /** What the inside of the baseline arm saw first; compared where the policy refuses a mismatch. */
  baselineInside?: Inside;
}

/**
 * One trial's life: start → inspect → setup → run → teardown → destroy. Whatever happens, what was set up is torn down,
 * the instance is destroyed, and a record comes back; it never rejects.
 */
export async function runTrial(inputs: TrialInputs): Promise<TrialRecord> {
  return new Trial(inputs).live();
}

type Evidence = Pick<TrialRecord, 'cost' | 'disturbance' | 'clock' | 'inside' | 'facts'>;

class Trial {
  private readonly inputs: TrialInputs;
  private readonly id: string;
  private readonly log = new TrialLog();
  private readonly stepsMs: TrialRecord['stepsMs'] = {};
  private readonly deadline: number;
  private readonly evidence: Evidence = {
    cost: { idle: null, run: null },
    disturbance: null,
    clock: null,
    inside: null,
    facts: {},
  };
  private step: Step = 'start';

  constructor(inputs: TrialInputs) {
    this.inputs = inputs;
    this.id = trialId(inputs.round, inputs.cell.id);
    this.deadline = performance.now() + inputs.plan.policy.trialTimeoutS * 1000;
  }

  async live(): Promise<TrialRecord> {
    const { cell, round, position, runFolder, runStartedAt } = this.inputs;
    const startedAt = new Date().toISOString();
    const offsetMs = performance.now() - runStartedAt;
    let measurement: Measurement | undefined;
    let failure: { step: Step; error: unknown } | undefined;
    let instance: Instance | undefined;
    let session: Session<unknown> | undefined;
    try {
      instance = await this.start();
      await this.inspect(instance);
      session = this.session(instance);
      await this.timed('setup', this.inputs.workload.setup(session));
      measurement = await this.measure(instance, session);
    } catch (error) {
      failure = { step: this.step, error };
    }
    if (session) {
      // Teardown belongs to the box's life even after a failure, but may not hide the first reason nor hold up the end.
      try {
        const limit = failure ? TRIAL_DEFAULTS.teardownAfterFailureMs : undefined;
        await this.timed('teardown', this.inputs.workload.teardown(session), limit, failure !== undefined);
      } catch (error) {
        failure ??= { step: 'teardown', error };
        this.log.add('teardown', describeError(error));
      }
    }
    if (instance) {
      if (failure) this.log.add('last words of the box', await lastWords(instance));
      const { path, mtu } = instance.network;
      Object.assign(this.evidence.facts, { networkPath: path, networkMtu: mtu }, instance.facts());
      try {
        await this.timed('destroy', instance.destroy(), TRIAL_DEFAULTS.destroyLimitMs, true);
      } catch (error) {
        failure ??= { step: 'destroy', error };
        this.log.add('destroy', describeError(error));
      }
    }
    if (measurement) this.log.add('the tool said', measurement.raw);
    if (failure) this.log.add(`${failure.step} failed`, describeError(failure.error));
    const logPath = await this.log.write(runFolder, this.id).catch(() => null);
    await this.restock();
    return {
      schema: 'tare.trial/1',
      trial: this.id,
      round,
      position,
      cell: cell.id,
      arm: cell.arm,
      workload: cell.workload,
      startedAt,
      offsetMs,
      stepsMs: this.stepsMs,
      outcome: this.outcome(measurement, failure, logPath),
      ...this.evidence,
    };
  }

  private async start(): Promise<Instance> {
    const { prepared, plan } = this.inputs;
    if (prepared instanceof Error) throw prepared;
    const starting = prepared.start(this.id, plan.resources, this.deadline - performance.now());
    try {
      return await this.timed('start', starting);
    } catch (error) {
      // A start that comes home after its deadline still made a box: it is destroyed before the next trial begins.
      if (error instanceof DeadlineError || error instanceof AbortedError) {
        const late = starting.then((instance) => instance.destroy()).catch(() => undefined);
        await within(late, TRIAL_DEFAULTS.destroyLimitMs, 'destroying a late box').catch(() => undefined);
      }
      throw error;
    }
  }

  /** What cannot be made ready now is made by the next start, which has a trial to fail in. */
  private async restock(): Promise<void> {
    const { prepared, signal } = this.inputs;
    if (prepared instanceof Error || signal.aborted) return;
    await prepared.restock?.().catch(() => undefined);
  }

  private async inspect(instance: Instance): Promise<void> {
    const { workload, planned, observer } = this.inputs;
    this.evidence.cost.idle = await this.timed('inspect', instance.usage());
    const tools = workload.describe(planned.options).tools;
    this.evidence.inside = await this.timed('inspect', observer.inspect(instance, tools));
    if (this.inputs.plan.policy.refuseParityMismatch) this.refuseMismatch(this.evidence.inside);
  }

  private refuseMismatch(inside: Inside): void {
    const { baselineInside, cell, plan } = this.inputs;
    if (!baselineInside || cell.arm === plan.baseline) return;
    const mismatches = parityMismatches({ [plan.baseline]: baselineInside, [cell.arm]: inside });
    if (mismatches.length === 0) return;
    const said = mismatches.map(
      ({ what, values }) =>
        `${what}: ${Object.entries(values)
          .map(([arm, value]) => `${arm} ${value}`)
          .join(', ')}`,
    );
    throw new BenchError('parity-mismatch', `the boxes were not given the same: ${said.join('; ')}`, {
      hint: 'policy: {refuseParityMismatch: false} shows mismatches in the report instead',
    });
  }

  private session(instance: Instance): Session<unknown> {
    return {
      box: instance,
      options: this.inputs.planned.options,
      signal: this.inputs.signal,
      timeoutMs: Math.max(1, this.deadline - performance.now()),
      log: (text) => this.log.add('workload', text),
    };
  }

  /** The timed window, with the clocks read before and after it and nothing of ours inside it. */
  private async measure(instance: Instance, session: Session<unknown>): Promise<Measurement> {
    const { observer, plan, workload } = this.inputs;
    const firstClock = await this.timed('inspect', observer.readClock(instance));
    const before = await instance.usage();
    const throttledBefore = await instance.throttledMs();
    session.timeoutMs = Math.max(1, this.deadline - performance.now());
    const window = observer.beginWindow(plan.resources.cpuset);
    const measurement = await this.timed('run', workload.run(session));
    const closed = window.stop();
    const after = await instance.usage();
    const throttledAfter = await instance.throttledMs();
    const secondClock = await this.timed('inspect', observer.readClock(instance));
    this.step = 'run';
    this.evidence.clock = observer.checkClock(firstClock, secondClock);
    this.evidence.cost.run = {
      ...after,
      cpuMs: after.cpuMs - before.cpuMs,
      cpuUserMs: rise(before.cpuUserMs ?? null, after.cpuUserMs ?? null),
      ioReadBytes: rise(before.ioReadBytes, after.ioReadBytes),
      ioWriteBytes: rise(before.ioWriteBytes, after.ioWriteBytes),
    };
    this.evidence.disturbance = closed.disturbance(
      rise(before.cpuUserMs ?? null, after.cpuUserMs ?? null) ?? this.evidence.cost.run.cpuMs,
      rise(throttledBefore, throttledAfter),
    );
    const drift = clockFailure(this.evidence.clock, plan.policy);
    if (drift) {
      this.log.add('the tool said', measurement.raw);
      throw new BenchError('clock-drift', drift, {
        hint: 'rates measured by a clock that is off are not kept',
      });
    }
    await this.pauseOnce(instance);
    return measurement;
  }

  /** How long the box takes to stand still and to go on, read when all else has been: it cannot spoil the measurement. */
  private async pauseOnce(instance: Instance): Promise<void> {
    if (!instance.pause || !instance.resume) return;
    const begun = performance.now();
    try {
      await this.timed('inspect', instance.pause(), TRIAL_DEFAULTS.pauseLimitMs);
      const paused = performance.now();
      await this.timed('inspect', instance.resume(), TRIAL_DEFAULTS.pauseLimitMs);
      Object.assign(this.evidence.facts, {
        pauseMs: toTenth(paused - begun),
        resumeMs: toTenth(performance.now() - paused),
      });
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      this.log.add('pause and resume', describeError(error));
      // Whatever came of the pause, what follows needs a box that runs.
      await within(instance.resume(), TRIAL_DEFAULTS.pauseLimitMs, 'resuming').catch(() => undefined);
    }
  }

  /** Awaits one step under the trial's deadline (or a limit of its own) and adds up its wall time. */
  private async timed<T>(step: Step, work: Promise<T>, limitMs?: number, evenIfAborted = false): Promise<T> {
    this.step = step;
    const begun = performance.now();
    const limit = limitMs ?? this.deadline - begun;
    try {
      return await within(
        work,
        limit,
        `${step} of ${this.id}`,
        evenIfAborted ? undefined : this.inputs.signal,
      );
    } finally {
      this.stepsMs[step] = (this.stepsMs[step] ?? 0) + (performance.now() - begun);
    }
  }

  private outcome(
    measurement: Measurement | undefined,
    failure: { step: Step; error: unknown } | undefined,
    log: string | null,
  ): Outcome {
    if (failure) {
      const { step, error } = failure;
      if (error instanceof AbortedError || this.inputs.signal.aborted) {
        return { status: 'aborted', step, reason: 'interrupted by the user' };
      }
      const known = error instanceof BenchError ? error : undefined;
      const fields = {
        step,
        code: known?.code ?? 'unexpected',
        message: error instanceof Error ? error.message : String(error),
        hint: known?.hint ?? null,
        log,
      };
      if (error instanceof DeadlineError) return { status: 'timed-out', ...fields, limitMs: error.limitMs };
      // The workload's own deadline is the trial's, and it may notice first.
      return known?.code === 'tool-timed-out'
        ? { status: 'timed-out', ...fields, limitMs: this.inputs.plan.policy.trialTimeoutS * 1000 }
        : { status: 'failed', ...fields };
    }
    const samples = measurement?.samples ?? [];
    const reasons = this.evidence.disturbance
      ? invalidReasons(this.evidence.disturbance, this.inputs.plan.policy, this.inputs.plan.resources.cpus)
      : [];
    return reasons.length > 0
      ? { status: 'invalid', reasons, observed: samples }
      : { status: 'completed', samples };
  }
}

function toTenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function rise(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}

async function lastWords(instance: Instance): Promise<string> {
  return within(instance.lastWords(), 2000, 'reading the last words').catch(describeError);
}
