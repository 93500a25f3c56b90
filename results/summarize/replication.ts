import type { Replication, ReplicationEntry } from '../record/replication.ts';
import { meanOf } from '../statistics/describe.ts';
import {
  outerRepetitions,
  placeRepetitions,
  priceOf,
  varianceByLevel,
  type BalancedDesign,
} from '../statistics/replication.ts';

/** One value and where it stands: `path[i]` names the repetition at level i, outermost first. */
export interface NestedValue {
  path: readonly (string | number)[];
  value: number;
}

/** All values of one arm, workload and metric. */
export interface NestedSeries {
  workload: string;
  arm: string;
  metric: string;
  unit: string;
  values: NestedValue[];
  /** Cost of one more repetition at each level by itself, outermost first. */
  costs: readonly number[];
}

export interface ReplicationOptions {
  source: string;
  levels: readonly string[];
  costUnit: string;
  precision: number;
  confidence: number;
  warnings: readonly string[];
}

/** STATISTICS 8: variance components of each series, and how often to repeat each level for the target precision. */
export function replicationOf(series: readonly NestedSeries[], options: ReplicationOptions): Replication {
  const { source, levels, precision, confidence, costUnit, warnings } = options;
  return {
    schema: 'tare.replication/1',
    ...{ source, levels: [...levels], precision, confidence, costUnit },
    entries: series.map((one) => entryOf(one, levels, precision, confidence)),
    warnings: [...warnings],
  };
}

function entryOf(
  { workload, arm, metric, unit, values, costs }: NestedSeries,
  names: readonly string[],
  precision: number,
  confidence: number,
): ReplicationEntry {
  const { counts, values: used } = balance(values, names.length);
  const mean = used.length > 0 ? meanOf(used) : 0;
  const blank = {
    workload,
    arm,
    metric,
    unit,
    mean,
    values: used.length,
    leftOut: values.length - used.length,
  };
  const without = (problem: string): ReplicationEntry => ({
    ...{ ...blank, levels: [], pilotCost: 0, recommendedCost: null, problem, why: `no advice: ${problem}` },
  });
  const thin = names.find((_, i) => !((counts[i] ?? 0) >= 2));
  if (thin !== undefined) return without(`${thin} is not repeated, so its scatter is not known`);
  if (mean === 0) return without('the mean is 0, and precision is a ratio of it');
  const variances = varianceByLevel({ counts, values: used });
  const own = variances.map((one) => one.own);
  const total = own.reduce((sum, one) => sum + one, 0);
  const placed = placeRepetitions(own, costs);
  const unbounded = placed.repetitions.findIndex((count) => !Number.isFinite(count));
  const outer = outerRepetitions(placed, mean, precision, confidence);
  const pilot = priceOf(own, costs, counts);
  const pilotCost = pilot.cost * outerRepetitions(pilot, mean, precision, confidence);
  const recommended = placed.repetitions.map((count, i) =>
    i === 0 ? outer : Number.isFinite(count) ? count : null,
  );
  return {
    ...blank,
    levels: names.map((level, i) => ({
      ...{ level, repetitions: counts[i] as number, ...(variances[i] as (typeof variances)[number]) },
      cov: Math.sqrt(own[i] as number) / Math.abs(mean),
      share: total > 0 ? (own[i] as number) / total : 0,
      cost: costs[i] as number,
      recommended: recommended[i] as number | null,
    })),
    pilotCost,
    recommendedCost: unbounded < 0 ? placed.cost * outer : null,
    why: sentence(names, own, total, recommended, unbounded),
    problem: null,
  };
}

function sentence(
  names: readonly string[],
  own: readonly number[],
  total: number,
  recommended: readonly (number | null)[],
  unbounded: number,
): string {
  if (total === 0) return 'every value is the same: once is enough';
  if (unbounded > 0)
    return `${names[0]} adds no scatter of its own: repeat ${names[unbounded]} as often as you like, it is the cheaper`;
  const largest = own.indexOf(Math.max(...own));
  const said = recommended
    .map((count, i) => (i === 0 ? `${count} × ${names[i]}` : `${count} ${names[i]} in each`))
    .join(', ');
  return `${Math.round((100 * (own[largest] as number)) / total)} % of the scatter is of ${names[largest]}: ${said}`;
}

interface Node {
  children: Map<string | number, Node>;
  value: number | null;
}

/**
 * The largest balanced design in the values: at each level as many repetitions as the one with the fewest has, the first
 * ones in order of appearance. A repetition with fewer than two inside, where others have more, is left out whole.
 */
function balance(values: readonly NestedValue[], depth: number): BalancedDesign {
  const root: Node = { children: new Map(), value: null };
  for (const { path, value } of values) {
    let node = root;
    for (const key of path.slice(0, depth)) {
      let next = node.children.get(key);
      if (!next) node.children.set(key, (next = { children: new Map(), value: null }));
      node = next;
    }
    node.value = value;
  }
  prune(root, depth);
  const counts: number[] = [];
  let level = [root];
  for (let i = 0; i < depth; i++) {
    const count = Math.min(...level.map((node) => node.children.size));
    counts.push(count);
    level = level.flatMap((node) => [...node.children.values()].slice(0, count));
  }
  return { counts, values: Float64Array.from(level, ({ value }) => value ?? NaN) };
}

/** Drops repetitions of a single value where their neighbours have several: they say nothing of the level inside. */
function prune(node: Node, depth: number): void {
  if (depth < 2) return;
  for (const child of node.children.values()) prune(child, depth - 1);
  const most = Math.max(0, ...[...node.children.values()].map((child) => child.children.size));
  if (most < 2) return;
  for (const [key, child] of node.children) if (child.children.size < 2) node.children.delete(key);
}
