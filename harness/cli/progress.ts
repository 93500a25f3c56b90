import { count, duration } from '../../reports/words/number.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { secondsLeft, secondsPerCell } from '../plan/estimate.ts';
import type { RunListener } from '../run/run-matrix.ts';
import type { Upcoming } from '../trial/scheduler.ts';
import type { Terminal } from './terminal.ts';

/** Progress of a run on stderr: one rewritten line on a terminal, a plain line per trial elsewhere. */
export class Progress implements RunListener {
  private readonly terminal: Terminal;
  private readonly quiet: boolean;
  private plan: Plan | undefined;

  constructor(terminal: Terminal, quiet: boolean) {
    this.terminal = terminal;
    this.quiet = quiet;
    this.say = this.say.bind(this);
    this.trialStarts = this.trialStarts.bind(this);
    this.trialEnded = this.trialEnded.bind(this);
  }

  say(line: string): void {
    if (!this.quiet) this.terminal.err(`${this.clear()}${line}\n`);
  }

  planned(plan: Plan, runFolder: string, recorded: readonly TrialRecord[]): void {
    this.plan = plan;
    const emulated = plan.arms.filter((arm) => arm.emulated).map((arm) => arm.id);
    const left = secondsLeft(
      plan,
      secondsPerCell(plan, recorded),
      new Set(recorded.map((record) => record.trial)),
    );
    this.say(
      `${plan.title}: ${count(plan.cells.length, 'cell')} × ${count(plan.rounds, 'round')}, about ${roughly(left)}`,
    );
    this.say(`run folder: ${runFolder}`);
    if (emulated.length > 0) {
      this.say(
        `EMULATED: ${emulated.join(', ')} run without hardware virtualisation; their numbers are emulation, not VM overhead`,
      );
    }
    if (recorded.length > 0) this.say(`going on after ${recorded.length} recorded trials`);
  }

  trialStarts(upcoming: Upcoming): void {
    if (!this.terminal.live || this.quiet || !this.plan) return;
    this.terminal.err(`${this.clear()}${this.head(upcoming.round)} ${upcoming.cell.id} …`);
  }

  trialEnded(record: TrialRecord, done: readonly TrialRecord[]): void {
    if (this.quiet || !this.plan) return;
    const left = secondsLeft(
      this.plan,
      secondsPerCell(this.plan, done),
      new Set(done.map((each) => each.trial)),
    );
    const count = `${done.length}/${this.plan.cells.length * this.plan.rounds}`;
    const line = `${this.head(record.round)} ${count.padStart(7)}  ${record.cell.padEnd(this.widest())}  ${this.said(record)}  ETA ${roughly(left)}`;
    this.terminal.err(`${this.clear()}${line}\n`);
  }

  private said(record: TrialRecord): string {
    const { outcome } = record;
    if (outcome.status === 'aborted') return outcome.reason;
    if (outcome.status === 'invalid') return `void: ${outcome.reasons.join('; ')}`;
    if (outcome.status !== 'completed')
      return `${outcome.status} at ${outcome.step}: ${outcome.message.split('\n')[0]}`;
    const primary = this.plan?.workloads
      .find((w) => w.id === record.workload)
      ?.metrics.find((m) => m.primary);
    const sample = outcome.samples.find((each) => each.metric === primary?.name) ?? outcome.samples[0];
    const emulated = this.plan?.arms.find((arm) => arm.id === record.arm)?.emulated ? ' (emulated)' : '';
    return sample
      ? `${Number(sample.value.toPrecision(4)).toLocaleString('en')} ${sample.unit}${emulated}`
      : 'done';
  }

  private head(round: number): string {
    const rounds = this.plan?.rounds ?? 0;
    return round < rounds ? `round ${round + 1}/${rounds}` : `spare round ${round + 1 - rounds}`;
  }

  private widest(): number {
    return Math.max(...(this.plan?.cells.map((cell) => cell.id.length) ?? [0]));
  }

  private clear(): string {
    return this.terminal.live ? '\r\x1b[2K' : '';
  }
}

/** An estimate in words, no finer than it deserves: whole seconds, from two minutes on whole minutes. */
export function roughly(seconds: number): string {
  const grain = seconds < 119.5 ? 1 : 60;
  return duration(Math.round(seconds / grain) * grain * 1000, true);
}
