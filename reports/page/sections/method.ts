import { count, percent } from '../../words/number.ts';
import { printable } from '../../words/names.ts';
import type { ReportRun } from '../report-run.ts';

/** How the numbers were made, with the source of each formula; and how to make them again. */
export function methodSection({ plan, summary }: ReportRun) {
  const margin = percent(summary.margin, 1);
  const level = percent(summary.confidence, 0);
  return {
    steps: [
      {
        name: 'Design',
        text:
          `${count(plan.rounds, 'round')}; in each, every box ran every workload once, in an order drawn afresh from the seed, ` +
          'in a fresh box that was destroyed after the trial. The round is the unit of replication.',
        source: 'randomised complete blocks: R. A. Fisher, The Design of Experiments (1935)',
      },
      {
        name: 'Cost',
        text:
          'For each round the logarithm of the ratio of a box to the baseline of the same round, turned so that above zero is worse. ' +
          'The typical cost is the median of all pairwise means of these (Hodges–Lehmann), turned back into a ratio.',
        source: 'Hodges & Lehmann, Ann. Math. Statist. 34 (1963) 598–611',
      },
      {
        name: 'Interval',
        text: `The signed-rank test turned inside out: all costs that it would not reject at ${level}. Exact at any number of rounds, whatever the shape of the noise; needs six rounds.`,
        source:
          'Wilcoxon, Biometrics 1 (1945) 80–83; Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, ch. 3',
      },
      {
        name: 'Verdict',
        text:
          `"Same" needs the whole 90 % interval inside ±${margin}; "costs more" and "costs less" need the ${level} interval to leave out no cost; ` +
          'both together make "negligible", neither makes "not settled".',
        source: 'two one-sided tests: Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657–680',
      },
      {
        name: 'Stalls',
        text: 'The ratio of totals is worked out as well, because a box that stalls now and then is slow on the whole and typical in its median; a warning is given where the two disagree.',
        source: 'Fieller, J. R. Stat. Soc. B 16 (1954) 175–185',
      },
      {
        name: 'What was left out',
        text: 'No value was removed because of its size. Rounds are void by the rule below, fixed before the first trial, and for all boxes at once.',
        source: 'Kalibera & Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013',
      },
    ],
    command: printable(plan.command, 1000),
    seed: printable(plan.seed, 120),
    planHash: printable(plan.hash, 80),
    runId: printable(plan.runId, 120),
  };
}
