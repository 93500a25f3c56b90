import type { Plan } from '../record/plan.ts';
import type { PublishedBeside } from '../record/summary.ts';
import {
  kindOfRuntime,
  publishedCost,
  type BoxKind,
  type PublishedRow,
} from '../published/published-results.ts';
import { compareSeries } from '../statistics/comparison.ts';
import type { Series } from '../statistics/series.ts';

/**
 * Sets published ratios beside ours: for every published id of a workload and every arm of a kind that the row has,
 * against native where the row has it, else against the container (the homework measured VM against container only).
 * Absolute published numbers are of other machines and are never compared.
 */
export function publishedBeside(
  plan: Plan,
  series: readonly Series[],
  published: ReadonlyMap<string, PublishedRow>,
): { rows: PublishedBeside[]; warnings: string[] } {
  const rows: PublishedBeside[] = [];
  const warnings: string[] = [];
  for (const workload of plan.workloads) {
    for (const id of workload.published) {
      const row = published.get(id);
      if (!row) {
        warnings.push(`workload ${workload.id}: there is no published result '${id}'`);
        continue;
      }
      const metric =
        workload.metrics.find(({ primary, better }) => primary && better === row.better) ??
        workload.metrics.find(({ better }) => better === row.better);
      if (!metric) continue;
      const against: BoxKind = row.native !== null || row.ratio_vm !== null ? 'native' : 'container';
      const baseline = armOfKind(plan, against);
      if (!baseline) continue;
      for (const arm of plan.arms) {
        const kind = kindOfRuntime(arm.runtime);
        const cost = kind === against ? null : publishedCost(row, kind, against);
        if (cost === null) continue;
        const find = (id: string): Series | undefined =>
          series.find((one) => one.workload === workload.id && one.metric === metric.name && one.arm === id);
        const [ours, base] = [find(arm.id), find(baseline)];
        const comparison =
          ours && base
            ? compareSeries(ours, base, { ...plan.policy, adaptive: plan.stopping !== undefined })
            : null;
        const interval = comparison?.interval ?? null;
        rows.push({
          id,
          source: row.paper,
          setup: `${row.tool}: ${kindName(row, kind)} against ${kindName(row, against)}`,
          workload: workload.id,
          arm: arm.id,
          baseline,
          published: cost,
          ours: comparison?.overhead ?? null,
          low: interval?.low ?? null,
          high: interval?.high ?? null,
          agrees: interval && interval.low <= cost && cost <= interval.high,
        });
      }
    }
  }
  return { rows, warnings };
}

/** The run's baseline when it is of that kind, else the first arm that is. */
function armOfKind(plan: Plan, kind: BoxKind): string | undefined {
  const ofKind = plan.arms.filter((arm) => kindOfRuntime(arm.runtime) === kind).map((arm) => arm.id);
  return ofKind.find((id) => id === plan.baseline) ?? ofKind[0];
}

function kindName(row: PublishedRow, kind: BoxKind): string {
  if (kind === 'native') return 'native';
  return (kind === 'container' ? row.container_kind : row.vm_kind) || kind;
}
