import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { suite } from '../../suite.ts';
import { publishedSchemas } from '../../../results/schema/published-schemas.ts';
import { historyPointSchema } from '../../../results/record/history.ts';
import { trialRecordSchema } from '../../../results/record/trial.ts';
import { quickCheck } from '../../../results/store/quick-check.ts';
import { makeRun } from '../../reports/runs/make-run.ts';

const test = suite('the quick check of records');
const trialFits = quickCheck(trialRecordSchema);
const trials = makeRun().trials;

test('every trial of a run with all kinds of outcomes fits at once', () => {
  assert.ok(new Set(trials.map(({ outcome }) => outcome.status)).size >= 4);
  for (const trial of trials) assert.ok(trialFits(JSON.parse(JSON.stringify(trial))), trial.trial);
});

/** Every way from the top to a place in a record. */
function paths(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key]))];
}

const JUNK = [null, true, 0, -1, 0.5, 2 ** 60, '', 'x', '2026-02-30T00:00:00Z', [], {}, [1], { a: 1 }];

/** A record with one place changed: replaced, removed, or with a key beside it. */
function spoilt(record: unknown, path: (string | number)[], how: number): unknown {
  const copy = JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
  let parent: Record<string | number, unknown> = { root: copy };
  let key: string | number = 'root';
  for (const step of path) {
    parent = parent[key] as Record<string, unknown>;
    key = step;
  }
  if (how < JUNK.length) parent[key] = JUNK[how];
  else if (how === JUNK.length) delete parent[key];
  else if (how === JUNK.length + 1) parent['unheard of'] = 1;
  else return JSON.parse(JSON.stringify(copy).replace('{', '{"__proto__":{"round":1},')) as unknown;
  return path.length === 0 ? parent['root'] : copy;
}

function agrees(record: unknown, schema: z.ZodType, fits: (value: unknown) => boolean): void {
  fc.assert(
    fc.property(fc.constantFrom(...paths(record)), fc.nat({ max: JUNK.length + 2 }), (path, how) => {
      const value = JSON.parse(JSON.stringify(spoilt(record, path, how)) ?? 'null') as unknown;
      const zod = schema.safeParse(value).success;
      if (fits(value)) assert.ok(zod, `accepted what zod refuses: ${JSON.stringify(path)} ${how}`);
    }),
    { numRuns: 1500, seed: 5 },
  );
}

test('it accepts nothing that zod refuses, wherever a trial is spoilt', () => {
  for (const trial of [trials[0]!, trials.find(({ outcome }) => outcome.status === 'failed')!])
    agrees(trial, trialRecordSchema, trialFits);
});

test('nor of a point of a history', () => {
  const point = {
    ...{ schema: 'tare.history/1', series: 's', run: 'r', at: '2026-01-02T03:04:05Z', commit: null },
    ...{ machine: 'm', logRatio: 0.1, interval: { low: 0, high: 1, level: 0.95 }, n: 10 },
  };
  assert.ok(quickCheck(historyPointSchema)(point));
  agrees(point, historyPointSchema, quickCheck(historyPointSchema));
});

test('numbers that JSON can write and no measurement has are left to zod', () => {
  const text = JSON.stringify(trials[0]).replace(/"offsetMs":[\d.]+/, '"offsetMs":1e999');
  assert.not.ok(trialFits(JSON.parse(text)));
});

test('a rule that it does not know is a defect here, not a hole', () => {
  assert.throws(
    () => quickCheck(z.strictObject({ a: z.number().multipleOf(3) })),
    /does not know the keyword/,
  );
  for (const [name, schema] of Object.entries({
    trial: publishedSchemas['trial'],
    history: publishedSchemas['history'],
  }))
    assert.not.throws(() => quickCheck(schema!), name);
});

test.run();
