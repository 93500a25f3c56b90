import type { TrialRecord } from '../../../results/record/trial.ts';
import { EMULATED, namesOf, printable } from '../../words/names.ts';
import { bytes, duration, percent } from '../../words/number.ts';
import type { ReportRun } from '../report-run.ts';

/** What the box itself takes, as medians over all of an arm's trials that came so far. */
export function boxRows({ plan, trials }: ReportRun) {
  const names = namesOf(plan);
  const byArm = new Map<string, TrialRecord[]>();
  for (const trial of trials) {
    const list = byArm.get(trial.arm);
    if (list) list.push(trial);
    else byArm.set(trial.arm, [trial]);
  }
  return plan.arms.map((arm) => {
    const own = byArm.get(arm.id) ?? [];
    const read = (pick: (trial: TrialRecord) => number | null | undefined): number | null =>
      median(
        own.map(pick).filter((value): value is number => typeof value === 'number' && Number.isFinite(value)),
      );
    const say = (value: number | null, words: (value: number) => string): string =>
      value === null ? '–' : words(value);
    return {
      arm: names.plainArm(arm.id),
      tag: arm.emulated ? EMULATED : null,
      start: say(
        read((trial) => trial.stepsMs.start),
        duration,
      ),
      destroy: say(
        read((trial) => trial.stepsMs.destroy),
        duration,
      ),
      startCpu: say(
        read((trial) => trial.cost.idle?.cpuMs),
        duration,
      ),
      memory: say(
        read((trial) => trial.cost.idle?.memoryPssBytes),
        bytes,
      ),
      charged: say(
        read((trial) => trial.cost.idle?.memoryCgroupBytes),
        bytes,
      ),
      disk: say(
        read((trial) => trial.cost.idle?.diskBytes),
        bytes,
      ),
      busy: say(
        read((trial) =>
          trial.cost.run && trial.disturbance && trial.disturbance.windowMs > 0
            ? trial.cost.run.cpuMs / trial.disturbance.windowMs
            : null,
        ),
        (share) => percent(share, 0),
      ),
      caveats: arm.caveats.map((caveat) => printable(caveat, 200)).join('; ') || '–',
    };
  });
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  // Typed arrays sort by number without a comparator: a run may have a million values.
  const sorted = Float64Array.from(values).sort();
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
