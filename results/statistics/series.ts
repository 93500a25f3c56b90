/** One value: the unit of everything that follows. */
export interface Observation {
  round: number;
  arm: string;
  workload: string;
  metric: string;
  value: number;
  unit: string;
  better: 'higher' | 'lower';
  /** Place of the arm among the arms of its round, where known. */
  position?: number;
}

/** All values of one arm, workload and metric, in round order. */
export interface Series {
  workload: string;
  arm: string;
  metric: string;
  unit: string;
  better: 'higher' | 'lower';
  rounds: Float64Array;
  values: Float64Array;
  /** Null unless every observation had one. */
  positions: Float64Array | null;
}

interface Growing {
  identity: Omit<Series, 'rounds' | 'values' | 'positions'>;
  rounds: number[];
  values: number[];
  positions: number[] | null;
}

interface GrowingMetric {
  unit: string;
  better: 'higher' | 'lower';
  arms: Map<string, Growing>;
}

/**
 * Collects observations into series, one pass, columns of numbers only: 10⁶ observations take some 25 MB. Every way in
 * which data can contradict itself is found here and answered with a sentence, so that nothing later has to guess.
 */
export class SeriesTable {
  private readonly workloads = new Map<string, Map<string, GrowingMetric>>();
  private readonly inOrder: Growing[] = [];

  /** Takes one observation; answers what is wrong with it, or null. What is wrong is not taken. */
  add(seen: Observation): string | null {
    const { round, value, position } = seen;
    if (!Number.isFinite(value)) return `${name(seen)} in round ${round} is ${value}, not a finite number`;
    if (!Number.isSafeInteger(round) || round < 0)
      return `round ${round} of ${name(seen)} is not a whole number of 0 or more`;
    const metric = this.metricOf(seen);
    if (metric.unit !== seen.unit)
      return `two units for ${seen.workload} ${seen.metric}: '${metric.unit}' before, '${seen.unit}' now`;
    if (metric.better !== seen.better)
      return `two directions for ${seen.workload} ${seen.metric}: ${metric.better} is better before, ${seen.better} now`;
    let growing = metric.arms.get(seen.arm);
    if (!growing) {
      const { workload, arm, metric: metricName, unit, better } = seen;
      growing = {
        identity: { workload, arm, metric: metricName, unit, better },
        rounds: [],
        values: [],
        positions: [],
      };
      metric.arms.set(arm, growing);
      this.inOrder.push(growing);
    }
    growing.rounds.push(round);
    growing.values.push(value);
    if (position === undefined) growing.positions = null;
    else growing.positions?.push(position);
    return null;
  }

  private metricOf(seen: Observation): GrowingMetric {
    let metrics = this.workloads.get(seen.workload);
    if (!metrics) this.workloads.set(seen.workload, (metrics = new Map<string, GrowingMetric>()));
    let metric = metrics.get(seen.metric);
    if (!metric)
      metrics.set(seen.metric, (metric = { unit: seen.unit, better: seen.better, arms: new Map() }));
    return metric;
  }

  /** The series in order of first appearance, each sorted by round. Throws RangeError when a round occurs twice. */
  finish(): Series[] {
    return this.inOrder.map(sorted);
  }
}

function name(seen: Observation): string {
  return `${seen.workload} ${seen.metric} of arm '${seen.arm}'`;
}

function sorted(growing: Growing): Series {
  const { identity, rounds, values, positions } = growing;
  const n = rounds.length;
  let ascending = true;
  for (let i = 1; i < n && ascending; i++) ascending = (rounds[i] as number) > (rounds[i - 1] as number);
  if (ascending)
    return {
      ...identity,
      rounds: Float64Array.from(rounds),
      values: Float64Array.from(values),
      positions: positions && Float64Array.from(positions),
    };
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (rounds[i] as number) - (rounds[j] as number),
  );
  for (let i = 1; i < n; i++) {
    const round = rounds[order[i] as number] as number;
    if (round === rounds[order[i - 1] as number])
      throw new RangeError(
        `round ${round} occurs twice for ${identity.workload} ${identity.metric} of arm '${identity.arm}'`,
      );
  }
  const pick = (column: number[]): Float64Array => Float64Array.from(order, (i) => column[i] as number);
  return {
    ...identity,
    rounds: pick(rounds),
    values: pick(values),
    positions: positions && pick(positions),
  };
}
