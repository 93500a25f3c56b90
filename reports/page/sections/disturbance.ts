import type { Disturbance, TrialRecord } from '../../../results/record/trial.ts';
import { defaults } from '../../defaults.ts';
import { namesOf, printable } from '../../words/names.ts';
import { count, duration, fixed, percent } from '../../words/number.ts';
import type { ReportRun } from '../report-run.ts';

type Reading = { name: string; read: (one: Disturbance) => number | null; say: (value: number) => string };

const share =
  (ms: (one: Disturbance) => number | null) =>
  (one: Disturbance): number | null => {
    const value = ms(one);
    return value === null || one.windowMs <= 0 ? null : value / one.windowMs;
  };

const readings: Reading[] = [
  {
    name: 'CPU time stolen from the measured CPUs',
    read: share((one) => one.stealMs),
    say: (value) => percent(value, 2),
  },
  {
    name: 'CPU time of others on the measured CPUs',
    read: share((one) => one.foreignMs),
    say: (value) => percent(value, 2),
  },
  {
    name: 'CPU time of the harness while measuring',
    read: share((one) => one.harnessCpuMs),
    say: (value) => percent(value, 3),
  },
  { name: 'Load, 1 min', read: (one) => one.load1, say: (value) => fixed(value, 2) },
  {
    name: 'Waiting for a CPU (pressure)',
    read: share((one) => micro(one.cpuPressureUs)),
    say: (value) => percent(value, 2),
  },
  {
    name: 'Waiting for I/O (pressure)',
    read: share((one) => micro(one.ioPressureUs)),
    say: (value) => percent(value, 2),
  },
  {
    name: 'Waiting for memory (pressure)',
    read: share((one) => micro(one.memoryPressureUs)),
    say: (value) => percent(value, 2),
  },
  {
    name: 'Tasks of others ready to run, per CPU of the machine',
    read: (one) => one.runQueuePerCpu ?? null,
    say: (value) => fixed(value, 2),
  },
  {
    name: 'Times that a measured CPU was slowed for heat',
    read: (one) => one.thermalEvents ?? null,
    say: (value) => fixed(value, 0),
  },
  {
    name: 'Stopped by a quota around the run',
    read: share((one) => one.runThrottledMs ?? null),
    say: (value) => percent(value, 2),
  },
  {
    name: 'Stopped by the box’s own quota (as asked)',
    read: share((one) => one.throttledMs),
    say: (value) => percent(value, 2),
  },
];

function micro(us: number | null): number | null {
  return us === null ? null : us / 1000;
}

/** Evidence of interference as median and largest over all timed windows, and what was voided because of it. */
export function disturbanceSection({ plan, trials, summary }: ReportRun) {
  const seen = trials.flatMap((trial) => (trial.disturbance ? [trial.disturbance] : []));
  const drifts = trials.flatMap((trial) => (trial.clock ? [Math.abs(trial.clock.drift)] : []));
  const { policy } = plan;
  return {
    windows: count(seen.length, 'timed window'),
    readings: [
      ...readings.map(({ name, read, say }) => line(name, seen.map(read), say)),
      line('Clock inside off the host’s stopwatch, beyond what the readings can tell', drifts, (value) =>
        percent(value, 3),
      ),
    ],
    rules: [
      `a round is void when more than ${percent(policy.maxStealShare, 1)} of the measured CPUs' time was stolen`,
      `or when others used more than ${percent(policy.maxForeignCpuShare, 1)} of it`,
      ...(policy.maxRunQueue === undefined
        ? []
        : [
            `or when others had more than ${fixed(policy.maxRunQueue, 1)} tasks per CPU ready to run before and after`,
          ]),
      ...(policy.maxThermalEvents === undefined
        ? []
        : [
            `or when a measured CPU was slowed for heat${policy.maxThermalEvents > 0 ? ` more than ${policy.maxThermalEvents} times` : ''}`,
          ]),
      ...(policy.maxThrottledShare === undefined
        ? []
        : [
            `or when a CPU quota that the matrix did not give stopped the run for more than ${percent(policy.maxThrottledShare, 1)}`,
          ]),
      `a trial fails when its inside clock is off by more than ${percent(policy.maxClockDrift, 1)}, or after ${duration(policy.trialTimeoutS * 1000)}`,
    ],
    voided: summary.voidedRounds.slice(0, defaults.maxListedTrials).map(({ round, reasons }) => ({
      round: String(round + 1),
      reasons: condense(reasons),
    })),
    hasVoided: summary.voidedRounds.length > 0,
  };
}

function line(name: string, values: readonly (number | null)[], say: (value: number) => string) {
  const sorted = Float64Array.from(
    values.filter((value): value is number => value !== null && Number.isFinite(value)),
  ).sort();
  const at = (share: number): string =>
    sorted.length === 0
      ? 'not read'
      : say(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return { name, median: at(0.5), p95: at(0.95), largest: at(1) };
}

/** The first few reasons of a round, and how many more there are. */
function condense(reasons: readonly string[]): string[] {
  const shown = reasons.slice(0, 3).map((reason) => printable(reason, 240));
  return reasons.length > 3 ? [...shown, `and ${reasons.length - 3} more`] : shown;
}

/** Trials that brought no value home, with the tools' own words. */
export function lostRows({ plan, trials }: ReportRun) {
  const names = namesOf(plan);
  const lost = trials.filter(({ outcome }) => outcome.status !== 'completed' && outcome.status !== 'invalid');
  return {
    rows: lost.slice(0, defaults.maxListedTrials).map((trial) => ({
      trial: printable(trial.trial, 120),
      round: String(trial.round + 1),
      arm: names.arm(trial.arm),
      workload: names.workload(trial.workload),
      ...outcomeWords(trial),
    })),
    more: lost.length > defaults.maxListedTrials ? String(lost.length - defaults.maxListedTrials) : null,
    any: lost.length > 0,
  };
}

function outcomeWords({ outcome }: TrialRecord) {
  switch (outcome.status) {
    case 'failed':
    case 'timed-out':
      return {
        status:
          outcome.status === 'failed' ? `failed while in ${outcome.step}` : `timed out in ${outcome.step}`,
        message: printable(outcome.message, 1200),
        hint: printable(outcome.hint ?? '', 400),
        logPath: printable(outcome.log ?? '', 200),
      };
    case 'aborted':
      return {
        status: `interrupted in ${outcome.step}`,
        message: printable(outcome.reason),
        hint: '',
        log: '',
      };
    case 'invalid':
      return {
        status: 'void',
        message: outcome.reasons.map((reason) => printable(reason)).join('; '),
        hint: '',
        log: '',
      };
    case 'completed':
      return { status: 'completed', message: '', hint: '', logPath: '' };
  }
}
