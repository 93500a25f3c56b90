import { readFileSync } from 'node:fs';
import { meanOf, sampleSd } from '../../../results/statistics/describe.ts';
import { packagePath } from '../../../results/package-root.ts';
import { normalDraw, type Random } from '../../../results/statistics/random.ts';

/**
 * How trials of two arms that are truly equal scatter. A model draws ln(value) of the trials in the order in which they
 * are run; who runs first is drawn afresh for each round, as the schedule does. Scatter is that of one trial; the paired
 * sd is √2 of it for independent trials and less for correlated ones.
 */
export interface NoiseModel {
  name: string;
  /** ln noise of `count` trials in a row, in units of the trial's sd. */
  draw(count: number, random: Random): Float64Array;
}

const iid = (count: number, random: Random): Float64Array =>
  Float64Array.from({ length: count }, () => normalDraw(random));

function autoregressive(phi: number): NoiseModel['draw'] {
  return (count, random) => {
    const values = new Float64Array(count);
    let last = normalDraw(random);
    for (let i = 0; i < count; i++) {
      values[i] = last;
      last = phi * last + Math.sqrt(1 - phi * phi) * normalDraw(random);
    }
    return values;
  };
}

/** Five per cent of trials are 3 to 15 sd slower than they should be. */
const SPIKE_SHARE = 0.05;
const spike = (random: Random): number => (random() < SPIKE_SHARE ? 3 + 12 * random() : 0);

/** A stretch of trials that were really run in a row, from a random one on, in units of their own sd. */
function replay(file: string): NoiseModel['draw'] {
  const recorded = JSON.parse(readFileSync(packagePath('tests/fixtures/recorded', file), 'utf8')) as {
    values: number[];
  };
  const logs = recorded.values.map(Math.log);
  const mean = meanOf(logs);
  const sd = sampleSd(logs);
  return (count, random) => {
    const from = Math.floor(random() * logs.length);
    return Float64Array.from(
      { length: count },
      (_, i) => ((logs[(from + i) % logs.length] as number) - mean) / sd,
    );
  };
}

/** Symmetric under exchange of the arms' names, all of them: that is what random order buys. */
export const noiseModels: readonly NoiseModel[] = [
  { name: 'iid normal', draw: iid },
  { name: 'AR(0.75)', draw: autoregressive(0.75) },
  { name: 'spikes in either arm', draw: (n, random) => iid(n, random).map((value) => value + spike(random)) },
  {
    name: 'bursts over both arms',
    draw: (n, random) => {
      const values = iid(n, random);
      for (let i = 0; i + 1 < n; i += 2) {
        const burst = spike(random);
        values[i] = (values[i] as number) + burst * (0.5 + random());
        values[i + 1] = (values[i + 1] as number) + burst * (0.5 + random());
      }
      return values;
    },
  },
  { name: 'drift', draw: (n, random) => iid(n, random).map((value, i) => value + (10 * i) / n) },
  {
    name: 'regime jump',
    draw: (n, random) => {
      const at = Math.floor(random() * n);
      return iid(n, random).map((value, i) => value * (i < at ? 1 : 2) + (i < at ? 0 : 8));
    },
  },
  {
    name: 'heavy tail (t, 2 df)',
    draw: (n, random) => iid(n, random).map((z) => z / Math.sqrt(-Math.log(1 - random()))),
  },
  { name: 'replay of recorded A/A trials', draw: replay('native-aa.json') },
];

/** Paired log-ratios of n rounds: trial sd `sd`, true effect `effect` (ln), order within each round drawn afresh. */
export function pairedDifferences(
  model: NoiseModel,
  n: number,
  sd: number,
  effect: number,
  random: Random,
): Float64Array {
  const trials = model.draw(2 * n, random);
  return Float64Array.from({ length: n }, (_, r) => {
    const difference = (trials[2 * r] as number) - (trials[2 * r + 1] as number);
    return effect + sd * (random() < 0.5 ? difference : -difference);
  });
}
