import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import type { BenchError } from '../../../results/bench-error.ts';
import { analyze } from '../../../results/import/analyze.ts';
import { importObservations, type Imported } from '../../../results/import/observations.ts';
import { analysisSchema } from '../../../results/record/analysis.ts';

const test = suite('observations of anyone’s file');
const read = (text: string, pieces = 7): Promise<Imported> => {
  const chunks = Array.from({ length: Math.ceil(text.length / pieces) }, (_, i) =>
    text.slice(i * pieces, (i + 1) * pieces),
  );
  return importObservations(chunks, 'data.csv');
};
const refused = async (text: string, code: string, message: RegExp): Promise<void> => {
  try {
    await read(text);
  } catch (error) {
    assert.is((error as BenchError).code, code, (error as Error).message);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`expected ${code} for ${text}`);
};

const rows = (rounds: number, slow = 1.2): string =>
  Array.from({ length: rounds }, (_, r) => {
    const noise = 1 + ((r * 7) % 5) / 1000;
    return `${r},native,time,${(100 * noise).toFixed(3)}\n${r},vm,time,${(100 * slow * noise * (1 + r / 1e4)).toFixed(3)}\n`;
  }).join('');
const csv = `round,arm,metric,value\n${rows(10)}`;
const options = { margin: 0.01, confidence: 0.95 };

test('CSV and JSON lines give the same analysis, in any column order', async () => {
  const asJson = rows(10)
    .trim()
    .split('\n')
    .map((line) => line.split(','))
    .map(([round, arm, metric, value]) =>
      JSON.stringify({ value: Number(value), metric, arm, round: Number(round) }),
    )
    .join('\n');
  const one = analyze(await read(csv), 'x', options);
  const other = analyze(await read(asJson), 'x', options);
  assert.equal(one, other);
  assert.equal(analysisSchema.parse(JSON.parse(JSON.stringify(one))), one);
  assert.is(one.baseline, 'native');
  assert.is(one.comparisons[0]?.verdict, 'worse');
  assert.ok(one.warnings.some((warning) => warning.includes("'lower' is taken")));
});

test('each thing that is wrong is refused with its line', async () => {
  const head = 'round,arm,metric,value,unit,better\n';
  await refused('', 'bad-observation', /empty/);
  await refused(head, 'bad-observation', /no observations/);
  await refused('round,arm,value\n', 'bad-observation', /:1: the header has no column metric/);
  await refused('round,arm,metric,value,colour\n', 'bad-observation', /:1: unknown column colour/);
  await refused(`${head}0,a,m,NaN,ms,lower\n`, 'bad-observation', /:2: value 'NaN' is not a number/);
  await refused(`${head}0,a,m,,ms,lower\n`, 'bad-observation', /:2: value '' is not a number/);
  await refused(`${head}0,a,m,1e999,ms,lower\n`, 'bad-observation', /:2: value '1e999' is not a number/);
  await refused(`${head}x,a,m,1,ms,lower\n`, 'bad-observation', /:2: round 'x' is not a number/);
  await refused(`${head}0,a,m,1,ms,sideways\n`, 'bad-observation', /:2: better is 'sideways'/);
  await refused(
    `${head}0,a,m,1,ms\n1,a,m,1,ms,lower\n`,
    'bad-observation',
    /:2: 5 fields where the header has 6/,
  );
  await refused(
    `${head}0,a,m,1,ms,lower\n1,a,m,1,s,lower\n`,
    'bad-observation',
    /:3: two units for data m: 'ms' before/,
  );
  await refused(`${head}0,a,m,1,ms,lower\n0,a,m,2,ms,lower\n`, 'bad-observation', /round 0 occurs twice/);
  await refused('{"round":0,"arm":"a","metric":"m","value":"1"}\n', 'bad-observation', /:1: value/);
  await refused('{"round":0,\n{"round":1}\n', 'bad-observation', /:1: not JSON/);
  await refused('{"schema":"tare.trial/1"}\n', 'bad-observation', /journal of a run/);
  await refused(
    '{"schema":"tare.observation/2"}\n',
    'newer-schema',
    /tare\.observation\/2 is not known here/,
  );
});

test('a last line that was cut off is left out and said', async () => {
  const torn = await read(`${csv}10,native,ti`);
  assert.is(torn.observations, 20);
  assert.match(torn.warnings[0] ?? '', /:22: the last line was cut off/);
  const json = await read('{"round":0,"arm":"a","metric":"m","value":1}\n{"round":1,"ar');
  assert.is(json.observations, 1);
  assert.match(json.warnings[0] ?? '', /:2: the last line was cut off/);
});

test('one arm, an unknown baseline, unbalanced arms: said, not guessed', async () => {
  const alone = analyze(await read('round,arm,metric,value\n0,a,m,1\n1,a,m,2\n'), 'x', options);
  assert.is(alone.comparisons.length, 0);
  assert.ok(alone.warnings.some((warning) => warning.includes('only one arm')));
  try {
    analyze(await read(csv), 'x', { ...options, baseline: 'bare' });
    assert.unreachable();
  } catch (error) {
    assert.is((error as BenchError).code, 'analyze-baseline');
  }
  const lame = analyze(await read(`${csv}10,native,time,100\n`), 'x', options);
  assert.is(lame.comparisons[0]?.n, 10);
  assert.ok(lame.warnings.some((warning) => warning.includes('different numbers of rounds')));
});

test.run();
