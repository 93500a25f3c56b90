import { createHash } from 'node:crypto';
import { changePoints, type ChangePoint } from '../../results/statistics/change-points.ts';
import type { Comparison } from '../../results/record/summary.ts';
import { namesOf, printable, type Names } from '../words/names.ts';
import type { PublishedRun } from './published-run.ts';

/** One overhead over many runs of the same matrix on the same machine with the same baseline. */
export interface TrendSeries {
  slug: string;
  title: string;
  emulated: boolean;
  margin: number;
  points: { run: PublishedRun; comparison: Comparison & { overhead: number } }[];
  /** Where the level changed: the point of that index is the first after the change. */
  changes: ChangePoint[];
}

/** Every series that has a number, in the order of first appearance. Change points need five runs a side. */
export function trendSeries(runs: readonly PublishedRun[]): TrendSeries[] {
  const series = new Map<string, TrendSeries>();
  for (const run of runs) {
    const names = namesOf(run.plan);
    for (const comparison of run.summary.comparisons) {
      const metric = names.metric(comparison.workload, comparison.metric);
      const { overhead } = comparison;
      if (!metric?.primary || overhead === null || !(overhead > 0)) continue;
      const key = JSON.stringify([
        run.plan.name,
        comparison.workload,
        comparison.metric,
        comparison.unit,
        comparison.arm,
        comparison.baseline,
        names.isEmulated(comparison.arm),
        run.host?.before.fingerprint ?? '',
      ]);
      const known = series.get(key);
      const point = { run, comparison: { ...comparison, overhead } };
      if (known) known.points.push(point);
      else
        series.set(key, {
          slug: slugOf(key, comparison),
          title: `${subject(run, comparison, names)}: ${names.arm(comparison.arm)} against ${names.arm(comparison.baseline)}`,
          emulated: names.isEmulated(comparison.arm),
          margin: run.summary.margin,
          points: [point],
          changes: [],
        });
    }
  }
  return toldApart([...series.values()]).map((one) => ({
    ...one,
    changes: changePoints(
      one.points.map(({ comparison }) => Math.log(comparison.overhead)),
      { tolerance: Math.log1p(one.margin), seed: one.slug },
    ),
  }));
}

/**
 * Series of equal titles get what they differ in behind them: an option that no label says (the seconds of a workload), the
 * matrix, the machine. Names are what a reader has; two that are equal look like one series drawn twice.
 */
function toldApart(series: readonly TrendSeries[]): TrendSeries[] {
  const byTitle = new Map<string, TrendSeries[]>();
  for (const one of series) byTitle.set(one.title, [...(byTitle.get(one.title) ?? []), one]);
  return series.map((one) => {
    const namesakes = byTitle.get(one.title) ?? [];
    if (namesakes.length < 2) return one;
    const facts = namesakes.map(factsOf);
    const mine = factsOf(one);
    const differing = [...new Set(facts.flatMap((all) => [...all.keys()]))].filter(
      (name) => new Set(facts.map((all) => all.get(name))).size > 1,
    );
    const words = (names: readonly string[], all = mine): string =>
      names.map((name) => `${name} ${all.get(name) ?? 'not set'}`).join(', ');
    const telling = differing.filter((name) => !IDS.includes(name));
    const enough = new Set(facts.map((all) => words(telling, all))).size === namesakes.length;
    const said = words(enough ? telling : differing);
    return { ...one, title: `${one.title} (${printable(said, 160)})` };
  });
}

/** Written by whoever made the matrix, for the machine: said only where nothing else tells two series apart. */
const IDS = ['workload', 'arm', 'baseline'];

/** What may tell a series from its namesakes. */
function factsOf({ points: [point] }: TrendSeries): Map<string, string> {
  const facts = new Map<string, string>();
  if (!point) return facts;
  const { run, comparison } = point;
  const add = (prefix: string, options: Record<string, unknown> = {}): void => {
    for (const [name, value] of Object.entries(options))
      facts.set(`${prefix}${name}`, typeof value === 'string' ? value : JSON.stringify(value));
  };
  add('', run.plan.workloads.find(({ id }) => id === comparison.workload)?.options);
  for (const arm of run.plan.arms)
    if (arm.id === comparison.arm || arm.id === comparison.baseline) add(`${arm.id} `, arm.options);
  facts.set('matrix', run.plan.name);
  facts.set('unit', comparison.unit);
  facts.set('machine', run.host?.before.fingerprint.slice(0, 8) ?? 'not known');
  facts.set('workload', comparison.workload);
  facts.set('arm', comparison.arm);
  facts.set('baseline', comparison.baseline);
  return facts;
}

/** The workload, and the metric too where the workload alone does not say which. */
function subject(run: PublishedRun, { workload, metric }: Comparison, names: Names): string {
  const metrics = run.plan.workloads
    .find(({ id }) => id === workload)
    ?.metrics.filter(({ primary }) => primary);
  const title = names.metric(workload, metric)?.title ?? metric;
  return metrics?.length === 1
    ? names.workload(workload)
    : `${names.workload(workload)}, ${printable(title, 120)}`;
}

function slugOf(key: string, { workload, arm, metric }: Comparison): string {
  const words = `${workload}-${metric}-${arm}`
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
  return `${words}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}
