import type { Arm, Plan, PlannedWorkload } from '../../results/record/plan.ts';
import type { Metric } from '../../results/record/metric.ts';
import { summarizedWorkloads } from '../../results/summarize/work-cost.ts';
import { defaults } from '../defaults.ts';

/** Said beside every number of an arm whose CPU is emulated in software. */
export const EMULATED = 'emulated';

/**
 * Text from a run made fit to print: control characters and the marks that turn the direction of writing become visible
 * signs, so that a name cannot dress up as another, and no label is longer than a page can bear.
 */
export function printable(text: string, maxLength: number = defaults.maxTextLength): string {
  const safe = text
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu,
      '\ufffd',
    )
    .replace(/[\u2028\u2029]/g, '\n');
  const points = [...safe.slice(0, maxLength * 2 + 2)];
  return points.length <= maxLength ? points.join('') : points.slice(0, maxLength - 1).join('') + '…';
}

/** A name short enough for an axis. */
export function chartLabel(text: string): string {
  return printable(text, defaults.maxChartLabel).replace(/\s+/g, ' ');
}

/** An arm's name as every page and picture prints it: an emulated one is never named without saying so. */
export function armName(arm: Arm): string {
  const label = printable(arm.label, 80);
  return arm.emulated && !/\bemulated\b/i.test(label) ? `${label} (${EMULATED})` : label;
}

/** The plan's names by id; unknown ids stand for themselves. */
export interface Names {
  arm(id: string): string;
  /** Without the word 'emulated', for where every number beside it says so. */
  plainArm(id: string): string;
  isEmulated(id: string): boolean;
  workload(id: string): string;
  metric(workload: string, metric: string): Metric | undefined;
}

export function namesOf(plan: Pick<Plan, 'arms' | 'workloads'>): Names {
  const arms = new Map<string, Arm>(plan.arms.map((arm) => [arm.id, arm]));
  const workloads = new Map<string, Pick<PlannedWorkload, 'label' | 'metrics'>>(
    summarizedWorkloads(plan.workloads).map((workload) => [workload.id, workload]),
  );
  return {
    arm: (id) => {
      const arm = arms.get(id);
      return arm ? armName(arm) : printable(id, 80);
    },
    plainArm: (id) => printable(arms.get(id)?.label ?? id, 80),
    isEmulated: (id) => arms.get(id)?.emulated ?? false,
    workload: (id) => printable(workloads.get(id)?.label ?? id, 120),
    metric: (workload, name) => workloads.get(workload)?.metrics.find((metric) => metric.name === name),
  };
}
