import { costWords } from '../words/cost.ts';
import { EMULATED, namesOf } from '../words/names.ts';
import { sightWords } from '../words/sight.ts';
import { verdictWords } from '../words/verdict.ts';
import type { PublishedRun } from './published-run.ts';

/** Two runs of the same matrix, one after the other. */
export interface RunPair {
  slug: string;
  before: PublishedRun;
  after: PublishedRun;
}

/** Each run with the one before it of the same matrix: a new run adds one pair and changes none. */
export function runPairs(runs: readonly PublishedRun[]): RunPair[] {
  const last = new Map<string, PublishedRun>();
  const pairs: RunPair[] = [];
  for (const run of runs) {
    const before = last.get(run.plan.name);
    if (before) pairs.push({ slug: `${before.slug}--${run.slug}`.slice(0, 180), before, after: run });
    last.set(run.plan.name, run);
  }
  return pairs;
}

/** Costs side by side. Absolute numbers of different days are not compared (STATISTICS 6.1); costs within a run may be. */
export function comparePage({ before, after }: RunPair) {
  const names = namesOf(after.plan);
  const rows = after.summary.comparisons.flatMap((now) => {
    const then = before.summary.comparisons.find(
      (one) =>
        one.workload === now.workload &&
        one.metric === now.metric &&
        one.arm === now.arm &&
        one.unit === now.unit,
    );
    if (!then || !names.metric(now.workload, now.metric)?.primary) return [];
    const [thenWords, nowWords] = [costWords(then), costWords(now)];
    if (!thenWords || !nowWords) return [];
    const apart =
      then.interval === null || now.interval === null
        ? null
        : now.interval.low > then.interval.high
          ? 'dearer than before'
          : now.interval.high < then.interval.low
            ? 'cheaper than before'
            : 'no difference to be seen';
    return [
      {
        what: names.workload(now.workload),
        metric: names.metric(now.workload, now.metric)?.title ?? now.metric,
        arm: names.plainArm(now.arm),
        tag: names.isEmulated(now.arm) ? EMULATED : null,
        then: thenWords.signed,
        thenInterval: thenWords.interval ?? '',
        now: nowWords.signed,
        nowInterval: nowWords.interval ?? '',
        sign: verdictWords(now.verdict).sign,
        word: verdictWords(now.verdict).word,
        sight: sightWords(now)?.short ?? '',
        apart: apart ?? 'too few rounds to say',
      },
    ];
  });
  const sameMachine =
    before.host !== null &&
    after.host !== null &&
    before.host.before.fingerprint === after.host.before.fingerprint;
  return { rows, hasRows: rows.length > 0, sameMachine };
}
