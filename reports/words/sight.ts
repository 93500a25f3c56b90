import type { Comparison } from '../../results/record/summary.ts';
import { ratioWords } from './cost.ts';
import { NBSP, percent } from './number.ts';

/** What stands beside a verdict: could the rounds have seen a difference, and what did equal boxes seem to differ by. */
export interface SightWords {
  /** '1.8 %', '2.3×', 'any'; '–' where there are too few rounds to say. */
  couldSee: string;
  /** '+0.4 %': the baseline against itself; null without a control. */
  floor: string | null;
  /** Both, for cells of a page and of Markdown: 'could see 1.8 % · A/A +0.4 %'. */
  short: string;
}

/** Words for what a comparison could have seen; null where there is no verdict to stand beside. */
export function sightWords({ overhead, sight }: Pick<Comparison, 'overhead' | 'sight'>): SightWords | null {
  if (overhead === null) return null;
  const couldSee = sight ? shiftWords(sight.detectable) : '–';
  const floor = sight?.floor ? ratioWords(sight.floor.apparent) : null;
  const seen = sight ? `could see ${couldSee}` : 'too few rounds to see anything';
  return { couldSee, floor, short: floor === null ? seen : `${seen} · A/A${NBSP}${floor}` };
}

/** A difference without its sign, in the form of costs. */
function shiftWords(detectable: number): string {
  if (detectable === 0) return 'any';
  return detectable < 0.01 ? percent(detectable, 2) : ratioWords(1 + detectable).replace(/^\+/, '');
}

/** What the two mean, said once below a table. */
export function sightLegend(hasControl: boolean): string {
  const could =
    '“Could see” is the smallest cost that these rounds would have called “costs more” nine times in ten (the minimum detectable effect)';
  return hasControl
    ? `${could}, from the scatter of the pairs or of the A/A control, whichever is larger; “A/A” is what the baseline seemed to cost against itself (the noise floor).`
    : `${could}, from the scatter of its own pairs: this run has no A/A control (control: true), so it has no noise floor of its own.`;
}
