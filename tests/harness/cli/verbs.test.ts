import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exitCodeOf } from '../../../harness/cli/exit-code.ts';
import { buildProgram } from '../../../harness/cli/program.ts';
import { packagePath } from '../../../results/package-root.ts';
import { runtimes } from '../../../runtimes/catalog.ts';
import { workloads } from '../../../workloads/catalog.ts';
import { suite } from '../../suite.ts';

const test = suite('verbs on finished runs and files');

const RUNS = packagePath('tests', 'fixtures', 'runs');
let folder = '';
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tare-verbs-'));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs one command line in this process: what it printed, and how it would have ended. */
async function bench(...words: string[]): Promise<{ out: string; err: string; code: number }> {
  const printed = { out: '', err: '', code: 0 };
  const program = buildProgram({
    terminal: {
      out: (text) => (printed.out += `${text}\n`),
      err: (text) => (printed.err += text),
      live: false,
      color: false,
      width: 120,
    },
    catalog: { runtimes, workloads },
    paths: { cacheDir: folder, scratchRoot: folder, runsDir: RUNS },
    signal: new AbortController().signal,
    exit: (code) => (printed.code = code),
  });
  try {
    await program.parseAsync(['node', 'bench', ...words]);
  } catch (error) {
    printed.err += String(error);
    printed.code = exitCodeOf(error);
  }
  return printed;
}

/** Twelve rounds of two arms, b 3 % slower than a on every one, with noise that both share. */
function numbers(): string {
  const file = join(folder, 'numbers.csv');
  const rows = ['round,arm,metric,value,unit,better'];
  for (let round = 0; round < 12; round++) {
    const shared = 100 + 10 * Math.sin(round);
    rows.push(
      `${round},a,speed,${shared},events/s,higher`,
      `${round},b,speed,${shared / (1.03 + 0.001 * (round % 3))},events/s,higher`,
    );
  }
  writeFileSync(file, rows.join('\n') + '\n');
  return file;
}

interface Analysis {
  margin: number;
  confidence: number;
  comparisons: { arm: string; baseline: string; overhead: number; verdict: string }[];
}

test('analyze: the baseline, the margin and the confidence are the ones that were asked for', async () => {
  const usual = JSON.parse((await bench('analyze', numbers(), '--json')).out) as Analysis;
  assert.equal(
    usual.comparisons.map(({ arm, baseline, verdict }) => [arm, baseline, verdict]),
    [['b', 'a', 'worse']],
  );
  const asked = await bench(
    'analyze',
    numbers(),
    '--baseline',
    'b',
    '--margin',
    '5%',
    '--confidence',
    '0.9',
    '--json',
  );
  const analysis = JSON.parse(asked.out) as Analysis;
  assert.equal([analysis.margin, analysis.confidence], [0.05, 0.9]);
  assert.equal(
    analysis.comparisons.map(({ arm, baseline }) => [arm, baseline]),
    [['a', 'b']],
  );
  assert.is(analysis.comparisons[0]?.verdict, 'different-but-negligible');
});

/** Four starts of three iterations in each of five rounds; starts scatter most. */
function pilot(): string {
  const file = join(folder, 'pilot.csv');
  const rows = ['batch,start,iteration,value'];
  for (let batch = 0; batch < 5; batch++)
    for (let start = 0; start < 4; start++)
      for (let i = 0; i < 3; i++)
        rows.push(`${batch},${start},${i},${100 + 4 * batch + 5 * ((start * 7 + batch) % 4) + i / 10}`);
  writeFileSync(file, rows.join('\n') + '\n');
  return file;
}

interface Replication {
  precision: number;
  levels: string[];
  entries: {
    arm: string;
    metric: string;
    levels: { level: string; cost: number; recommended: number | null }[];
  }[];
}

test('analyze --replication: levels, costs and precision are the ones that were asked for', async () => {
  const words = ['analyze', pilot(), '--replication', '--levels', 'batch,start,iteration'];
  const asked = [...words, '--cost', 'batch=3,start=8,iteration=0.5', '--precision', '2%'];
  const { precision, levels, entries } = JSON.parse((await bench(...asked, '--json')).out) as Replication;
  assert.equal([precision, levels], [0.02, ['batch', 'start', 'iteration']]);
  assert.equal(
    entries[0]?.levels.map(({ level, cost }) => [level, cost]),
    [
      ['batch', 3],
      ['start', 8],
      ['iteration', 0.5],
    ],
  );
  assert.is(entries[0]?.levels[2]?.recommended, 1);
  const { out } = await bench(...asked);
  assert.match(out, /scatter \(CoV\) +share +cost +repeat/);
  assert.match(out.replace(/\s+/g, ' '), /of the scatter is of start: \d+ × batch/);
  assert.match((await bench(...words)).out, /no costs were given/);
  assert.match((await bench(...words, '--cost', 'boot=3')).err, /there is no level boot/);
  assert.match((await bench(...words, '--cost', 'batch:3')).err, /"batch:3" is no cost of a level/);
});

test('analyze --replication of a run: its boxes’ own costs, by rounds and starts', async () => {
  const { out } = await bench('analyze', '--replication', join(RUNS, 'quick'), '--json');
  const { levels, entries } = JSON.parse(out) as Replication;
  assert.equal(levels, ['round', 'start']);
  const startup = entries.find(({ arm, metric }) => arm === 'native' && metric === 'startup');
  assert.ok((startup?.levels[1]?.cost ?? 0) > 0);
});

test('plan --from: the run that is named says how long it takes and where repetition pays', async () => {
  const matrix = join(folder, 'm.yaml');
  writeFileSync(matrix, 'runtimes: { native: }\nworkloads: { cpu: { workload: sysbench-cpu } }\n');
  const words = ['plan', '--matrix', matrix, '--from', join(RUNS, 'quick')];
  const learned = JSON.parse((await bench(...words, '--json')).out) as { replication: Replication };
  assert.ok(learned.replication.entries.some(({ metric }) => metric === 'startup'));
  assert.match((await bench(...words)).out, /Where repetition pays/);
  assert.match((await bench('plan', '--matrix', matrix, '--from', 'no-such-run')).err, /no-such-run/);
});

test('gate: two arms of a finished run, with its rules, its files and its exit code', async () => {
  const [junit, markdown, config] = ['gate.xml', 'gate.md', 'gate.yaml'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(config, 'tolerance: 500 %\n');
  const arms = ['gate', '--run', 'quick', '--reference', 'native', '--candidate', 'container'];
  const strict = await bench(...arms, '--junit', junit, '--markdown', markdown, '--github');
  assert.match(readFileSync(junit, 'utf8'), /<testsuite/);
  assert.match(readFileSync(markdown, 'utf8'), /\|/);
  assert.match(strict.out, /^::(error|warning|notice)/m);
  const answer = JSON.parse((await bench(...arms, '--config', config, '--json')).out) as {
    answer: string;
    why: string;
  };
  assert.ok(['pass', 'fail', 'inconclusive'].includes(answer.answer), answer.why);
  const codes = { pass: 0, fail: 1, inconclusive: 3 };
  assert.is((await bench(...arms, '--config', config)).code, codes[answer.answer as keyof typeof codes]);
});

test('gate: how an inconclusive answer ends is what the user said', async () => {
  // Ten rounds cannot be this sure of anything.
  const sure = join(folder, 'sure.yaml');
  writeFileSync(sure, 'alpha: 0.000000001\n');
  const arms = [
    'gate',
    '--run',
    'quick',
    '--reference',
    'native',
    '--candidate',
    'container',
    '--config',
    sure,
  ];
  const codeWhen = async (what: string) => (await bench(...arms, '--on-inconclusive', what)).code;
  assert.equal(
    [await codeWhen('inconclusive'), await codeWhen('fail'), await codeWhen('pass'), await codeWhen('warn')],
    [3, 1, 0, 0],
  );
});

test('gate: the same run twice is refused as no comparison unless it is insisted on', async () => {
  const same = await bench(
    'gate',
    '--reference',
    'quick',
    '--candidate',
    'quick',
    '--even-if-not-comparable',
  );
  assert.is(same.code, 2);
  assert.match(same.err, /reference and candidate are the same/);
  const both = await bench(
    'gate',
    '--matrix',
    '--run',
    'quick',
    '--reference',
    'a',
    '--candidate',
    'b',
    '--quiet',
    '--seed',
    '1',
  );
  assert.match(both.err, /only one of them/);
});

test('history: a run is added with its commit, listed with a tolerance, asked by SQL, written as Parquet', async () => {
  const file = join(folder, 'history.jsonl');
  const added = await bench(
    'history',
    file,
    '--add',
    'quick',
    '--commit',
    'abc123',
    '--tolerance',
    '3%',
    '--json',
  );
  assert.match(added.err, /\d+ points added/);
  assert.match(readFileSync(file, 'utf8'), /abc123/);
  assert.ok((JSON.parse(added.out) as { series: unknown[] }).series.length > 0);
  const parquet = join(folder, 'history.parquet');
  const asked = await bench(
    'history',
    file,
    '--sql',
    'select count(*)::int as n from history',
    '--parquet',
    parquet,
  );
  assert.ok(((JSON.parse(asked.out) as { n: number }[])[0]?.n ?? 0) > 0);
  assert.ok(existsSync(parquet));
});

test('publish: a site in the folder that was named, with a sitemap where an address is', async () => {
  const site = join(folder, 'site');
  const done = await bench('publish', 'quick', '--to', site, '--url', 'https://example.org/bench/', '--json');
  assert.is(done.code, 0, done.err);
  assert.ok(existsSync(join(site, 'index.html')));
  assert.match(readFileSync(join(site, 'sitemap.xml'), 'utf8'), /https:\/\/example\.org\/bench\//);
});

test('export: text to stdout, or a file with what was written as JSON', async () => {
  const csv = await bench('export', 'quick', '--format', 'csv');
  assert.match(csv.out.split('\n')[0] ?? '', /round.*value/);
  const out = join(folder, 'run.json');
  const done = await bench('export', 'quick', '--format', 'json', '--out', out, '--json');
  assert.is(done.code, 0, done.err);
  assert.ok(existsSync(out));
});

test('compare: a run beside itself shows nothing that differs', async () => {
  const { out, code, err } = await bench('compare', 'quick', 'quick', '--json');
  assert.is(code, 0, err);
  assert.ok(JSON.parse(out));
});

test.run();
