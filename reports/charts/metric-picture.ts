import type { Metric } from '../../results/record/metric.ts';
import type { Plan } from '../../results/record/plan.ts';
import { armEncoding, type ArmEncoding } from './arm-encoding.ts';
import { armsOn, type Observation } from './observations.ts';
import type { Picture } from './picture.ts';

/** What the trials of one metric of one workload are drawn from. */
export interface MetricView {
  metric: Metric;
  observations: readonly Observation[];
  encoding: ArmEncoding;
  /** That have planned cells on the workload, in the plan's order. */
  arms: string[];
}

/** What a picture of a metric's trials says for itself; its name, place and size are those of its kind. */
type Drawing = Pick<Picture, 'title' | 'caption' | 'alt' | 'spec'>;

/** A narrow picture of one metric's trials. `draw` answers null when there is too little to see. */
export function metricPicture(
  kind: string,
  draw: (view: MetricView) => Drawing | null,
): (plan: Plan, workload: string, metric: Metric, observations: readonly Observation[]) => Picture | null {
  return (plan, workload, metric, observations) => {
    const drawing = draw({
      ...{ metric, observations },
      ...{ encoding: armEncoding(plan), arms: armsOn(plan, workload) },
    });
    return drawing && { id: `${kind}-${workload}-${metric.name}`, workload, wide: false, ...drawing };
  };
}
