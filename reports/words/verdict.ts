import type { Verdict } from '../../results/record/summary.ts';

/** A verdict for people. The sign says it in grey and to those who do not see colour; the word says it to everyone. */
export interface VerdictWords {
  sign: string;
  word: string;
  meaning: string;
}

const words: Record<Verdict, VerdictWords> = {
  worse: { sign: '▲', word: 'costs more', meaning: 'the interval lies wholly above no cost' },
  better: { sign: '▼', word: 'costs less', meaning: 'the interval lies wholly below no cost' },
  equivalent: { sign: '=', word: 'same', meaning: 'the 90 % interval lies wholly inside the margin' },
  'different-but-negligible': {
    sign: '≈',
    word: 'negligible',
    meaning: 'a real difference, and one that lies wholly inside the margin',
  },
  inconclusive: {
    sign: '?',
    word: 'not settled',
    meaning: 'the interval allows a cost and none: more rounds are needed',
  },
};

export function verdictWords(verdict: Verdict): VerdictWords {
  return words[verdict];
}

/** All of them, for the legend under the answer table. */
export function verdictLegend(): VerdictWords[] {
  return Object.values(words);
}
