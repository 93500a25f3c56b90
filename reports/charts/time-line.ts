import type { Plan } from '../../results/record/plan.ts';
import { stepSchema, type TrialRecord } from '../../results/record/trial.ts';
import { namesOf, printable } from '../words/names.ts';
import { duration } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { alarm } from './theme.ts';

interface Span {
  round: number;
  from: number;
  to: number;
  arm: string;
  part: 'run' | 'box';
  tip: string;
}

/** What ran when: one line per round, each trial a bar; full colour while measuring, pale while the box was made or removed. */
export function timeLinePicture(plan: Plan, trials: readonly TrialRecord[]): Picture | null {
  if (trials.length === 0) return null;
  const encoding = armEncoding(plan);
  const names = namesOf(plan);
  const begin = new Map<number, number>();
  for (const trial of trials)
    begin.set(trial.round, Math.min(begin.get(trial.round) ?? Infinity, trial.offsetMs));
  const spans: Span[] = [];
  const lost: { round: number; at: number; tip: string }[] = [];
  let measuredMs = 0;
  let boxMs = 0;
  for (const trial of trials) {
    let at = trial.offsetMs - begin.get(trial.round)!;
    const what = `round ${trial.round + 1}: ${names.arm(trial.arm)}, ${names.workload(trial.workload)}`;
    const push = (from: number, to: number, part: Span['part']): void => {
      if (to <= from) return;
      if (part === 'run') measuredMs += to - from;
      else boxMs += to - from;
      spans.push({
        round: trial.round + 1,
        from: from / 1000,
        to: to / 1000,
        arm: encoding.labelOf(trial.arm),
        part,
        tip: printable(
          `${what}, ${part === 'run' ? 'measuring' : 'making or removing the box'}: ${duration(to - from)}`,
          200,
        ),
      });
    };
    const before = at;
    let runFrom = at;
    let runTo = at;
    for (const step of stepSchema.options) {
      const ms = trial.stepsMs[step] ?? 0;
      if (step === 'run') {
        runFrom = at;
        runTo = at + ms;
      }
      at += ms;
    }
    push(before, runFrom, 'box');
    push(runFrom, runTo, 'run');
    push(runTo, at, 'box');
    if (trial.outcome.status !== 'completed')
      lost.push({
        round: trial.round + 1,
        at: (before + at) / 2000,
        tip: printable(`${what}: ${trial.outcome.status}`, 200),
      });
  }
  const rounds = [...begin.keys()].sort((a, b) => a - b).map((round) => round + 1);
  const share = measuredMs / Math.max(1, measuredMs + boxMs);
  const arms = plan.arms.map((arm) => arm.id);
  return {
    id: 'time-line',
    title: 'What ran when',
    caption:
      `One line per round; full colour while measuring (${Math.round(share * 100)} % of the time shown), pale while a box was made or removed. ` +
      'The order differs from round to round, so that no box always runs first.' +
      (lost.length > 0 ? ' A cross marks a trial that gave no value.' : ''),
    alt: 'Time line of the run, one row per round, one bar per trial.',
    workload: null,
    wide: true,
    spec: (width) => {
      const y = { field: 'round', type: 'ordinal' as const, sort: rounds, title: 'round' };
      return {
        data: { values: spans.map((span) => ({ ...span, opacity: span.part === 'run' ? 1 : 0.3 })) },
        width: width - 60,
        height: { step: rounds.length > 24 ? 8 : 18 },
        layer: [
          {
            mark: { type: 'bar', aria: true, strokeWidth: 0 },
            encoding: {
              y,
              x: {
                field: 'from',
                type: 'quantitative',
                title: 'seconds since the round began',
                axis: { grid: false },
              },
              x2: { field: 'to' },
              color: { field: 'arm', type: 'nominal', scale: encoding.colourScale(arms), legend: null },
              opacity: { field: 'opacity', type: 'quantitative', scale: null, legend: null },
              description: { field: 'tip' },
            },
          },
          {
            data: { values: lost },
            mark: {
              type: 'text',
              text: '×',
              fontSize: 15,
              fontWeight: 'bold',
              color: alarm,
              baseline: 'middle',
              aria: true,
            },
            encoding: { y, x: { field: 'at', type: 'quantitative' }, description: { field: 'tip' } },
          },
        ],
      };
    },
  };
}
