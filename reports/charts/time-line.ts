import type { Plan } from '../../results/record/plan.ts';
import { stepSchema, type TrialRecord } from '../../results/record/trial.ts';
import { chartLabel, namesOf, printable } from '../words/names.ts';
import { duration } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { alarm, paper } from './theme.ts';

/** Ten years: a clock that says more is broken. */
const LONGEST_MS = 10 * 365 * 24 * 3_600_000;

/** A round that hung is drawn up to this many times the usual length, or it would press all others together. */
const LONGEST_DRAWN = 1.5;

interface Span {
  round: number;
  from: number;
  to: number;
  arm: string;
  part: 'run' | 'box';
  tip: string;
}

/** What ran when: one line per round, each trial a bar; full colour while measuring, pale while the box was made or removed. */
export function timeLinePicture(plan: Plan, all: readonly TrialRecord[]): Picture | null {
  const trials = all.filter(({ offsetMs, stepsMs }) =>
    [offsetMs, ...Object.values(stepsMs)].every((ms) => ms >= 0 && ms < LONGEST_MS),
  );
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
    const what = `${names.arm(trial.arm)}, ${chartLabel(names.workload(trial.workload))}`;
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
        tip: part === 'run' ? printable(`${what}: ${duration(to - from)}`, 160) : '',
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
  const ends = new Map<number, number>();
  for (const span of spans) ends.set(span.round, Math.max(ends.get(span.round) ?? 0, span.to));
  const lengths = [...ends.values()].sort((a, b) => a - b);
  const usual = lengths[Math.floor((lengths.length - 1) / 2)] ?? 0;
  const edge = Math.min(lengths.at(-1) ?? 0, usual * LONGEST_DRAWN);
  const cut = [...ends]
    .filter(([, end]) => end > edge * 1.001)
    .map(([round, end]) => ({ round, at: edge, text: `… ${duration(end * 1000)}` }));
  const drawn = spans
    .filter((span) => span.from < edge)
    .map((span) => ({ ...span, to: Math.min(span.to, edge) }));
  const rounds = [...begin.keys()].sort((a, b) => a - b).map((round) => round + 1);
  const share = measuredMs / Math.max(1, measuredMs + boxMs);
  const arms = plan.arms.map((arm) => arm.id);
  return {
    id: 'time-line',
    title: 'What ran when',
    caption:
      `One line per round; full colour while measuring (${Math.round(share * 100)} % of the time shown), pale while a box was made or removed. ` +
      'The order differs from round to round, so that no box always runs first.' +
      (lost.length > 0 ? ' A cross marks a trial that gave no value.' : '') +
      (cut.length > 0 ? ' A round that was held up is cut off at the edge, its length beside it.' : ''),
    alt: 'Time line of the run, one row per round, one bar per trial.',
    workload: null,
    wide: true,
    spec: (width) => {
      const y = { field: 'round', type: 'ordinal' as const, sort: rounds, title: 'round' };
      const x = {
        type: 'quantitative' as const,
        title: 'seconds since the round began',
        scale: { domain: [0, edge], nice: false as const },
        axis: { grid: false },
      };
      const bars = (part: Span['part']) => ({
        data: { values: drawn.filter((span) => span.part === part) },
        mark: { type: 'bar' as const, aria: part === 'run', opacity: part === 'run' ? 1 : 0.3 },
        encoding: {
          y,
          x: { ...x, field: 'from' },
          x2: { field: 'to' },
          color: { field: 'arm', type: 'nominal' as const, scale: encoding.colourScale(arms), legend: null },
          ...(part === 'run' ? { description: { field: 'tip' } } : {}),
        },
      });
      const crosses = { values: lost.map((one) => ({ ...one, at: Math.min(one.at, edge * 0.99) })) };
      return {
        width: width - (cut.length > 0 ? 100 : 60),
        height: { step: rounds.length > 24 ? 8 : 18 },
        layer: [
          bars('box'),
          bars('run'),
          {
            data: crosses,
            mark: { type: 'point', shape: 'circle', filled: true, size: 110, color: paper, opacity: 1 },
            encoding: { y, x: { ...x, field: 'at' } },
          },
          {
            data: crosses,
            mark: {
              type: 'text',
              text: '×',
              fontSize: 14,
              fontWeight: 'bold',
              color: alarm,
              baseline: 'middle',
              aria: true,
            },
            encoding: { y, x: { ...x, field: 'at' }, description: { field: 'tip' } },
          },
          {
            data: { values: cut },
            mark: { type: 'text', align: 'left', dx: 4, baseline: 'middle', clip: false },
            encoding: { y, x: { ...x, field: 'at' }, text: { field: 'text' } },
          },
        ],
      };
    },
  };
}
