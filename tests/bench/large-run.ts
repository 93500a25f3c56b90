import { fixtureArms } from '../reports/runs/arms.ts';
import { makeRun, type FixtureRun } from '../reports/runs/make-run.ts';
import { fixtureWorkloads } from '../reports/runs/workloads.ts';

/** A run of many arms and workloads, every cell once a round, in the likeness of the fixtures. */
export function largeRun(size: { arms: number; workloads: number; rounds: number }): FixtureRun {
  const arms = Array.from({ length: size.arms }, (_, i) => {
    const template = fixtureArms[i === 0 ? 0 : 1 + (i % 3)]!;
    return { ...template, arm: { ...template.arm, id: `arm-${i}`, label: `${template.arm.label} ${i}` } };
  });
  const workloads = Array.from({ length: size.workloads }, (_, i) => {
    const template = fixtureWorkloads[i % fixtureWorkloads.length]!;
    const cost = Object.fromEntries(arms.map(({ arm }, k) => [arm.id, 1 + k * 0.3 + (i % 7) * 0.1]));
    const label = `${template.planned.label} ${i}`;
    return { ...template, cost, planned: { ...template.planned, id: `work-${i}`, label, published: [] } };
  });
  return makeRun({ arms, workloads, rounds: size.rounds, fates: {}, voided: [] });
}
