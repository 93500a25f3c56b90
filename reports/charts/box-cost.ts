import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { workCost } from '../../results/summarize/work-cost.ts';
import { namesOf, printable } from '../words/names.ts';
import { bytes, duration, significant } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { stripPicture, type StripPoint } from './strip.ts';

/** What the box itself costs, whatever runs in it: start-up, memory when idle, CPU and disk of the work. */
export function boxCostPictures(plan: Plan, trials: readonly TrialRecord[]): Picture[] {
  const encoding = armEncoding(plan);
  const arms = plan.arms.map((arm) => arm.id);
  const points = (
    read: (trial: TrialRecord) => number | null | undefined,
    say: (value: number) => string,
  ): StripPoint[] =>
    trials.flatMap((trial) => {
      const value = read(trial);
      return value === null || value === undefined || !Number.isFinite(value) || value <= 0
        ? []
        : [{ arm: trial.arm, value, tip: printable(`${trial.trial}: ${say(value)}`, 160) }];
    });
  const pictures = [
    stripPicture(
      {
        id: 'start-up',
        title: 'Start-up: from the request to the first command',
        caption: 'Every dot is the start of one trial; the bar is the median.',
        alt: 'Start-up time of every trial by arm. Medians stand in the table of boxes.',
        workload: null,
        axis: 'milliseconds',
        labelExpr: "format(datum.value, ',~r')",
      },
      points((trial) => trial.stepsMs.start, duration),
      encoding,
      arms,
    ),
    stripPicture(
      {
        id: 'idle-memory',
        title: 'Memory: what the idle box takes from the host',
        caption:
          'Proportional set size of all that the box keeps running, before any work. Page cache is not in it.',
        alt: 'Host memory of every idle instance by arm. Medians stand in the table of boxes.',
        workload: null,
        axis: 'MiB',
        labelExpr: "format(datum.value, ',~r')",
      },
      points(
        (trial) => (trial.cost.idle?.memoryPssBytes ?? 0) / 2 ** 20,
        (mib) => bytes(mib * 2 ** 20),
      ),
      encoding,
      arms,
    ),
    stripPicture(
      {
        id: 'disk-growth',
        title: 'Disk: how far the storage of a box grows',
        caption: 'Bytes allocated on the host at the end of the timed window, above those of the idle box.',
        alt: 'Growth of host disk use over the timed window, every trial by arm.',
        workload: null,
        axis: 'MiB',
        labelExpr: "format(datum.value, ',~r')",
      },
      points(
        (trial) =>
          trial.cost.run?.diskBytes && trial.cost.idle?.diskBytes !== null
            ? (trial.cost.run.diskBytes - (trial.cost.idle?.diskBytes ?? 0)) / 2 ** 20
            : null,
        (mib) => bytes(mib * 2 ** 20),
      ),
      encoding,
      arms,
    ),
  ];
  return [...pictures, ...workCostPictures(plan, trials)].filter((picture) => picture !== null);
}

/** Host CPU time per unit of work: what a throughput figure hides when the box burns more CPU for it. */
function workCostPictures(plan: Plan, trials: readonly TrialRecord[]): (Picture | null)[] {
  const encoding = armEncoding(plan);
  const names = namesOf(plan);
  return plan.workloads.map((workload) => {
    const cost = workCost(workload);
    if (!cost) return null;
    const { unit, read } = cost;
    const points = trials.flatMap((trial) => {
      const value = trial.workload === workload.id ? read(trial) : null;
      if (value === null || value <= 0) return [];
      const tip = printable(`${trial.trial}: ${significant(value)} µs of CPU per ${unit}`, 160);
      return [{ arm: trial.arm, value, tip }];
    });
    return stripPicture(
      {
        id: `work-cost-${workload.id}`,
        title: 'Host CPU per unit of work',
        caption: `CPU time the host spends for one unit (${unit}), emulator included: the price of the work, not its speed.`,
        alt: `Host CPU time per unit of work for ${names.workload(workload.id)}, every trial by arm.`,
        workload: workload.id,
        axis: `µs of host CPU per ${printable(unit, 24)}`,
        labelExpr: "format(datum.value, ',~r')",
      },
      points,
      encoding,
      plan.arms.map((arm) => arm.id),
    );
  });
}
