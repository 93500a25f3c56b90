import { DuckDBInstance } from '@duckdb/node-api';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { compile } from 'vega-lite';
import { FORMATS } from '../../../harness/cli/export.ts';
import { exportFormats } from '../../../reports/export/catalog.ts';
import { csvField } from '../../../reports/export/csv.ts';
import { escapeMarkdown } from '../../../reports/export/markdown.ts';
import { tidyRows } from '../../../reports/export/tidy-rows.ts';
import { xmlText } from '../../../reports/export/xml.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { suite } from '../../suite.ts';
import { makeRun } from '../runs/make-run.ts';

const test = suite('exports, each read back by a program that is not ours');
const plain = makeRun();
// Names that would break a format that does not quote: every test below reads them back.
const NASTY = 'a,"b"\n|c| </x> & \\d';
const run = {
  ...plain,
  plan: {
    ...plain.plan,
    title: NASTY,
    arms: plain.plan.arms.map((arm) => (arm.id === 'container' ? { ...arm, label: NASTY } : arm)),
  },
};
const data = { ...run, summary: summarize(run) };
const rows = [...tidyRows(data)];
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-export-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

async function write(id: string): Promise<string> {
  const format = exportFormats.find((one) => one.id === id)!;
  const file = join(folder, `run.${format.extension}`);
  await writeFile(file, await format.write(data));
  return file;
}

async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function has(tool: string, ...args: string[]): boolean {
  return spawnSync(tool, args, { stdio: 'ignore' }).status === 0;
}

test('csv by DuckDB: every sample, every name whole', async () => {
  const file = await write('csv');
  const [[count, sum, names] = []] = await query(
    `SELECT count(*), sum(value), list(DISTINCT arm_label) FROM read_csv('${file}', header = true, all_varchar = false)`,
  );
  assert.is(Number(count), rows.length);
  assert.ok(Math.abs(Number(sum) - rows.reduce((total, row) => total + row.value, 0)) < 1e-6 * Number(sum));
  assert.ok((names as string[]).includes(NASTY), JSON.stringify(names));
});

test('parquet by DuckDB: the same rows with types', async () => {
  const file = await write('parquet');
  const [[count, valid, names] = []] = await query(
    `SELECT count(*), count(*) FILTER (valid), list(DISTINCT arm_label) FROM '${file}'`,
  );
  assert.is(Number(count), rows.length);
  assert.is(Number(valid), rows.filter((row) => row.valid).length);
  assert.ok((names as string[]).includes(NASTY));
  const types = await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${file}')`);
  assert.equal(
    types.find(([name]) => name === 'value'),
    ['value', 'DOUBLE'],
  );
});

test('json by Python: plan, machine, summary and all trials', async () => {
  const file = await write('json');
  const { stdout } = await execa('/usr/bin/python3', [
    '-c',
    'import json,sys; d=json.load(open(sys.argv[1])); print(len(d["trials"]), len(d["summary"]["cells"]), d["plan"]["seed"])',
    file,
  ]);
  assert.is(stdout, `${run.trials.length} ${data.summary.cells.length} ${run.plan.seed}`);
});

test('junit by libxml2: well-formed, with the counts it claims', async () => {
  const file = await write('junit');
  const ask = async (xpath: string): Promise<string> =>
    (await execa('xmllint', ['--xpath', xpath, file])).stdout.trim();
  assert.is(await ask('count(//testcase)'), String(run.trials.length));
  assert.is(await ask('sum(//testsuite/@tests)'), String(run.trials.length));
  assert.is(await ask('count(//failure)'), await ask('sum(//testsuite/@failures)'));
  assert.is(await ask('count(//error)'), '1');
  assert.is(await ask('count(//skipped)'), '16');
  assert.match(await ask('string(//failure[1])'), /FATAL: Failed to fsync file!/);
});

test('markdown by cmark-gfm: one table, and names that are only text', async () => {
  const file = await write('markdown');
  const { stdout } = await execa('cmark-gfm', ['--unsafe', '--extension', 'table', file]);
  assert.is(stdout.match(/<table>/g)?.length, 1);
  assert.is(stdout.match(/<tr>/g)?.length, 1 + 4 + 2);
  for (const row of stdout.match(/<tr>.*?<\/tr>/gs) ?? []) assert.is(row.match(/<t[hd]>/g)?.length, 5);
  assert.not.match(stdout, /<\/x>/);
  assert.match(stdout, /emulated/);
});

test('openmetrics by the Prometheus client for Python', async () => {
  const file = await write('openmetrics');
  const { stdout } = await execa('/usr/bin/python3', [
    '-c',
    [
      'import sys',
      'from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse',
      'fs = list(parse(open(sys.argv[1]).read()))',
      'm = [s for f in fs for s in f.samples if s.name == "tare_overhead_ratio"]',
      'print(len(fs), len(m), sum(1 for s in m if s.labels["emulated"] == "true"))',
    ].join('\n'),
    file,
  ]);
  assert.is(
    stdout,
    `6 ${data.summary.comparisons.length} ${data.summary.comparisons.length - data.summary.comparisons.filter((one) => one.arm === 'container').length}`,
  );
});

test('bmf by Python: value between its bounds for each measure', async () => {
  const file = await write('bmf');
  const { stdout } = await execa('/usr/bin/python3', [
    '-c',
    [
      'import json,sys',
      'd = json.load(open(sys.argv[1]))',
      'ms = [m for b in d.values() for m in b.values()]',
      'assert all(set(m) <= {"value","lower_value","upper_value"} for m in ms)',
      'assert all(m["lower_value"] <= m["value"] <= m["upper_value"] for m in ms if "lower_value" in m)',
      'print(len(d), len(ms))',
    ].join('\n'),
    file,
  ]);
  assert.is(
    stdout,
    `${new Set(data.summary.cells.map((cell) => cell.workload + cell.arm)).size} ${data.summary.cells.length}`,
  );
});

test('vega-lite by its own compiler, without a warning', async () => {
  const spec = JSON.parse(
    String(await exportFormats.find(({ id }) => id === 'vega-lite')!.write(data)),
  ) as never;
  const warnings: string[] = [];
  const logger = {
    level: () => logger,
    error: (...words: readonly unknown[]) => (warnings.push(words.join(' ')), logger),
    warn: (...words: readonly unknown[]) => (warnings.push(words.join(' ')), logger),
    info: () => logger,
    debug: () => logger,
  };
  const compiled = compile(spec, { logger: logger as never }).spec;
  assert.ok((compiled.marks?.length ?? 0) > 3);
  assert.equal(warnings, []);
  assert.not.match(JSON.stringify(spec), /var\(/);
});

const benchstat = (): void => {
  const text = String(exportFormats.find(({ id }) => id === 'benchfmt')!.write(data));
  const { stdout, status } = spawnSync('benchstat', ['-col', '/box', '-'], { input: text, encoding: 'utf8' });
  assert.is(status, 0);
  assert.match(stdout, /vm-qcow2/);
};
const WITH_BENCHSTAT = 'benchfmt by benchstat';
if (has('benchstat', '-h')) test(WITH_BENCHSTAT, benchstat);
else
  test.skipBecause(
    'benchstat is not in Debian; go install golang.org/x/perf/cmd/benchstat',
    WITH_BENCHSTAT,
    benchstat,
  );

test('benchfmt is what the Go proposal asks for, line by line', () => {
  const text = String(exportFormats.find(({ id }) => id === 'benchfmt')!.write(data));
  const results = text.split('\n').filter((line) => line.startsWith('Benchmark'));
  const completed = new Set(rows.filter((row) => row.valid).map((row) => row.trial));
  assert.is(results.length, completed.size);
  for (const line of results)
    assert.match(line, /^Benchmark\p{Lu}\S*\/box=\S+ 1( -?[\d.]+(e[-+]?\d+)? [^\s\d]\S*)+$/u);
  for (const line of text.split('\n').filter((one) => one && !one.startsWith('Benchmark')))
    assert.match(line, /^(Unit \S+ better=(higher|lower)|[a-z-]+: \S+)$/);
});

test('the verb offers exactly the formats that there are', () => {
  assert.equal(
    exportFormats.map((one) => one.id),
    [...FORMATS],
  );
});

test('the same run gives the same bytes in every format', async () => {
  for (const format of exportFormats) {
    const [a, b] = [Buffer.from(await format.write(data)), Buffer.from(await format.write(data))];
    assert.ok(a.equals(b), format.id);
  }
});

test('a csv field is never a formula and never breaks its row', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const field = csvField(text);
      assert.not.match(field.replace(/^"/, ''), /^[=+\-@\t\r]/);
      if (/[",\r\n]/.test(field)) assert.match(field, /^"([^"]|"")*"$/s);
    }),
    { seed: 11 },
  );
});

test('xml text holds no markup and no forbidden character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.not.match(
        xmlText(text),
        /[<>"']|&(?!(amp|lt|gt|quot|apos);)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/,
      );
    }),
    { seed: 12 },
  );
});

test('markdown text keeps to its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.not.match(escapeMarkdown(text), /\n|(?<!\\)[<|`*]/);
    }),
    { seed: 13 },
  );
});

test.run();
