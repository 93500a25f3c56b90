import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';
import { appendHistory, readHistory } from '../../../harness/history/history-file.ts';
import { judgeHistory } from '../../../harness/history/judge-history.ts';
import { pointsOfRun } from '../../../harness/history/points-of-run.ts';
import { exportParquet, queryHistory } from '../../../harness/history/query-history.ts';
import { renderHistory } from '../../../harness/history/render-history.ts';
import type { BenchError } from '../../../results/bench-error.ts';
import type { HistoryPoint } from '../../../results/record/history.ts';
import { normalDraw, seeded } from '../../../results/statistics/random.ts';

const test = suite('history');
let folder = '';
test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-history-'));
});
test.afterEach(() => rm(folder, { recursive: true, force: true }));

function points(series: string, count: number, level: (i: number) => number, machine = 'm1'): HistoryPoint[] {
  const random = seeded(series);
  return Array.from({ length: count }, (_, i) => ({
    schema: 'tare.history/1',
    series,
    run: `run-${String(i).padStart(3, '0')}`,
    at: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(),
    commit: `c${i}`,
    machine,
    logRatio: level(i) + 0.004 * normalDraw(random),
    interval: null,
    n: 20,
  }));
}

async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.is((error as BenchError).code, code, (error as Error).message);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('a run adds its overheads once', async () => {
  const plan = planFixture();
  const trials = trialsFixture(plan, (round, arm) => (100 + (round % 3)) * (arm === 'vm' ? 1.1 : 1));
  const added = pointsOfRun({ path: '', plan, trials, host: null, matrixText: '', warnings: [] }, 'abc');
  const file = join(folder, 'h.jsonl');
  await appendHistory(file, added);
  assert.equal((await readHistory(file)).points, added);
  const disk = added.find(({ series }) => series === 'disk.latency vm/native');
  assert.ok(disk && Math.abs(disk.logRatio - Math.log(1.1)) < 1e-9);
  await refused(appendHistory(file, added), 'history-has-run', /holds run 2026-01-02-fixture already/);
});

test('a change is found, and the two runs between which it lies; quiet series stay quiet', () => {
  const all = [
    ...points('cpu.rate vm/native', 60, (i) => (i < 40 ? 0 : 0.05)),
    ...points('disk.latency vm/native', 60, () => 0.2),
  ].reverse();
  const series = judgeHistory(all, 0.02);
  const cpu = series.find((one) => one.series.startsWith('cpu'));
  assert.equal([cpu?.changes[0]?.after.run, cpu?.changes[0]?.before.run], ['run-039', 'run-040']);
  assert.ok(Math.abs((cpu?.changes[0]?.ratio ?? 0) - 1.05) < 0.005);
  assert.equal(series.find((one) => one.series.startsWith('disk'))?.changes, []);
  assert.match(
    renderHistory(series),
    /cpu\.rate vm\/native: \+5\.\d % \(.*\) between c39 \(run-039\) and c40 \(run-040\)/,
  );
  assert.equal(
    judgeHistory(all, 0.2).flatMap(({ changes }) => changes),
    [],
  );
});

test('points of another machine are a series of their own', () => {
  const moved = [...points('s', 30, () => 0, 'm1'), ...points('s', 30, () => 0.5, 'm2')];
  const series = judgeHistory(moved, 0.02);
  assert.is(series.length, 2);
  assert.equal(
    series.flatMap(({ changes }) => changes),
    [],
  );
});

test('a cut-off last line is forgiven when read, refused when appended to; a newer schema is named', async () => {
  const file = join(folder, 'h.jsonl');
  await appendHistory(
    file,
    points('s', 3, () => 0),
  );
  await appendFile(file, '{"schema":"tare.his');
  const read = await readHistory(file);
  assert.is(read.points.length, 3);
  assert.match(read.warnings[0] ?? '', /h\.jsonl:4: the last line was cut off/);
  await refused(
    appendHistory(
      file,
      points('t', 1, () => 0),
    ),
    'history-torn',
    /cut off/,
  );
  await appendFile(file, '"}\n{"schema":"tare.history/2"}\n');
  await refused(readHistory(file), 'bad-record', /h\.jsonl:4/);
  const newer = join(folder, 'newer.jsonl');
  await appendFile(newer, '{"schema":"tare.history/2"}\n');
  await refused(readHistory(newer), 'newer-schema', /tare\.history\/2; this one reads tare\.history\/1/);
});

test('a folder of histories is one history; an empty one is said', async () => {
  await refused(readHistory(folder), 'file-missing', /holds no \*\.jsonl/);
  await appendHistory(
    join(folder, 'a.jsonl'),
    points('a', 2, () => 0),
  );
  await appendHistory(
    join(folder, 'b.jsonl'),
    points('b', 3, () => 0),
  );
  assert.is((await readHistory(folder)).points.length, 5);
});

test('DuckDB answers queries and writes Parquet; a bad query is an error of the user', async () => {
  const file = join(folder, "o'clock.jsonl");
  await appendHistory(file, [...points('a', 20, () => 0), ...points('b', 30, () => 0)]);
  const rows = await queryHistory(
    file,
    'select series, count(*)::int as n from history group by series order by series',
  );
  assert.equal(rows, [
    { series: 'a', n: 20 },
    { series: 'b', n: 30 },
  ]);
  const parquet = join(folder, 'h.parquet');
  await exportParquet(file, parquet);
  assert.is((await readFile(parquet)).subarray(0, 4).toString(), 'PAR1');
  assert.ok((await stat(parquet)).size > 100);
  await refused(queryHistory(file, 'select nothing from nowhere'), 'bad-query', /DuckDB/);
});

test.run();
