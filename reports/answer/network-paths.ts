import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { namesOf, printable } from '../words/names.ts';

/** What the packets of each box crossed, for a workload that measures a network. */
export interface NetworkPaths {
  byArm: ReadonlyMap<string, string>;
  /** Says in words when the paths differ, because then the costs compare paths, not boxes alone; null when they do not. */
  note: string | null;
}

/** By workload; only of those measured in bits per second, which nothing but a network is. */
export function networkPaths(plan: Plan, trials: readonly TrialRecord[]): Map<string, NetworkPaths> {
  const names = namesOf(plan);
  const found = new Map<string, NetworkPaths>();
  const seenOn = new Map<string, Map<string, Set<string>>>();
  for (const trial of trials) {
    const path = trial.facts.networkPath;
    if (typeof path !== 'string') continue;
    const byArm = seenOn.get(trial.workload) ?? new Map<string, Set<string>>();
    seenOn.set(trial.workload, byArm.set(trial.arm, (byArm.get(trial.arm) ?? new Set<string>()).add(path)));
  }
  for (const workload of plan.workloads) {
    if (!workload.metrics.some((metric) => metric.primary && /bit\/s$/.test(metric.unit))) continue;
    const seen = seenOn.get(workload.id) ?? new Map<string, Set<string>>();
    const byArm = new Map(
      plan.arms.flatMap((arm) => {
        const paths = seen.get(arm.id);
        return paths ? [[arm.id, printable([...paths].sort().join(' or '), 80)] as const] : [];
      }),
    );
    if (byArm.size === 0) continue;
    const differ = new Set(byArm.values()).size > 1;
    const said = [...byArm].map(([arm, path]) => `${path} for ${names.plainArm(arm)}`).join(', ');
    found.set(workload.id, {
      byArm,
      note: differ
        ? `The packets do not cross the same: ${said}. These costs compare the paths, not the boxes alone.`
        : null,
    });
  }
  return found;
}
