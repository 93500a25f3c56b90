import { changePoints } from '../../../results/statistics/change-points.ts';
import { normalDraw, seeded, type Random } from '../../../results/statistics/random.ts';
import { shareClaim, type Claim } from './claim.ts';

/** An alarm this close to an earlier one is the same alarm, seen again a commit later. */
const SAME = 5;

const noises: Record<string, (random: Random) => () => number> = {
  iid: (random) => () => normalDraw(random),
  'AR(0.3)': (random) => {
    let last = normalDraw(random);
    return () => (last = 0.3 * last + Math.sqrt(1 - 0.09) * normalDraw(random));
  },
  spikes: (random) => () => normalDraw(random) + (random() < 0.05 ? 3 + 12 * random() : 0),
};

/**
 * STATISTICS 10, line 6: a series in which nothing changes, judged again after each of 100 commits; every new alarm
 * counts, also one that a later look takes back. No tolerance, which is the hardest case.
 */
export function historyFalseAlarms(noise: string, series: number, commits = 100): Claim {
  const random = seeded(`history ${noise}`);
  let alarms = 0;
  for (let run = 0; run < series; run++) {
    const next = (noises[noise] as (random: Random) => () => number)(random);
    const values: number[] = [];
    const raised: number[] = [];
    for (let commit = 0; commit < commits; commit++) {
      values.push(next());
      for (const { index } of changePoints(values, { tolerance: 0, seed: 'history' }))
        if (!raised.some((earlier) => Math.abs(earlier - index) <= SAME)) raised.push(index);
    }
    alarms += raised.length;
  }
  return {
    claim: `history: false alarms per ${commits} commits and series, judged at each commit, ${noise}`,
    bar: '≤ 0.1',
    measured: `${(alarms / series).toFixed(3)} ± ${(Math.sqrt(Math.max(1, alarms)) / series).toFixed(3)} (${series} series)`,
    holds: alarms / series <= 0.1,
    contradicted: alarms / series > 0.1 + (3 * Math.sqrt(Math.max(1, alarms))) / series,
  };
}

/** Not in the list of bars, but a detector that never speaks would meet them: a step of three sd, found ten commits later. */
export function historyFinds(series: number): Claim {
  const random = seeded('history finds');
  let found = 0;
  for (let run = 0; run < series; run++) {
    const values = Array.from({ length: 60 }, (_, i) => normalDraw(random) + (i < 50 ? 0 : 3));
    const points = changePoints(values, { tolerance: 0.5, seed: 'history' });
    if (points.some(({ index }) => Math.abs(index - 50) <= 2)) found++;
  }
  return shareClaim(
    'history: a step of three sd is found within ten commits, placed to ±2',
    { from: 0.8 },
    found,
    series,
  );
}
