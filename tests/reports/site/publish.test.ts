import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { publish } from '../../../reports/site/publish.ts';
import { suite } from '../../suite.ts';
import { markupFaults } from '../markup-faults.ts';
import { poisoned } from '../runs/hostile.ts';
import { writeRun } from '../runs/write-fixtures.ts';
import { writeRuns } from './many-runs.ts';

const test = suite('the site');
let folder = '';
let runs: string[] = [];
let site = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-site-'));
  runs = await writeRuns(folder, 12, 6);
  site = join(folder, 'site');
  await publish(runs, site, 'https://bench.example/tare');
});
test.after(() => rm(folder, { recursive: true, force: true }));

const read = (path: string): Promise<string> => readFile(join(site, path), 'utf8');

async function files(below: string): Promise<string[]> {
  const entries = await readdir(below, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('has a page for each run, a trend and a badge for each series, and a comparison for each pair', async () => {
  assert.is((await readdir(join(site, 'runs'))).length, 12);
  assert.is((await readdir(join(site, 'compare'))).length, 11);
  // cpu, start-up and idle memory, for two arms
  assert.is((await readdir(join(site, 'trends'))).length, 6);
  assert.is((await readdir(join(site, 'badges'))).length, 6);
});

test('finds the change that was put in, and no other', async () => {
  const index = JSON.parse(await read('index.json')) as {
    series: { title: string; points: unknown[]; changes: { index: number; shift: number }[] }[];
  };
  const container = index.series.find((one) => /^CPU.*Container/.test(one.title))!;
  assert.is(container.points.length, 12);
  assert.equal(
    container.changes.map((change) => change.index),
    [6],
  );
  assert.ok(Math.abs(container.changes[0]!.shift - Math.log(1.2)) < 0.02);
  const vm = index.series.find((one) => /^CPU.*qcow2/.test(one.title))!;
  assert.equal(vm.changes, []);
});

test('every link leads to a file, and all are relative', async () => {
  for (const file of (await files(site)).filter((one) => one.endsWith('.html'))) {
    const html = await readFile(file, 'utf8');
    for (const [, href = ''] of html.matchAll(/href="([^"]*)"/g)) {
      if (href.startsWith('data:')) continue;
      assert.not.match(href, /^(\/|[a-z]+:)/, `${file}: ${href}`);
      const [path = '', hash] = href.split('#');
      if (path) assert.ok((await stat(resolve(dirname(file), path))).isFile(), `${file}: ${href}`);
      else assert.ok(html.includes(`id="${hash}"`), `${file}: ${href}`);
    }
  }
});

test('feed, sitemap and badges are well-formed by libxml2, with an entry for each', async () => {
  const count = async (path: string, xpath: string): Promise<string> =>
    (await execa('xmllint', ['--nonet', '--xpath', xpath, join(site, path)])).stdout.trim();
  assert.is(await count('feed.xml', "count(//*[local-name()='entry'])"), '12');
  assert.is(await count('sitemap.xml', "count(//*[local-name()='loc'])"), String(1 + 12 + 6 + 11));
  assert.match(
    await count('sitemap.xml', "string(//*[local-name()='loc'][1])"),
    /^https:\/\/bench\.example\/tare\/$/,
  );
  for (const badge of await readdir(join(site, 'badges')))
    assert.is(await count(`badges/${badge}`, "count(//*[local-name()='text'])"), '2');
  assert.match(
    await read(`badges/${(await readdir(join(site, 'badges'))).find((one) => one.includes('qcow2'))}`),
    /emulated/,
  );
});

test('published again it writes nothing', async () => {
  const again = await publish(runs, site, 'https://bench.example/tare');
  assert.equal(again.written, []);
  assert.equal(again.removed, []);
});

test('a run more or less rewrites only what it touches', async () => {
  const fewer = await publish(runs.slice(0, 11), site, null);
  assert.is(fewer.written.filter((path) => path.startsWith('runs/')).length, 0);
  assert.equal(fewer.removed.map((path) => path.split('/')[0]).sort(), ['compare', 'runs']);
  const more = await publish(runs, site, null);
  assert.is(more.written.filter((path) => path.startsWith('runs/')).length, 1);
  assert.is(more.written.filter((path) => path.startsWith('compare/')).length, 1);
});

test('is the same bytes wherever it is written and in whatever order the runs are named', async () => {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  await publish(runs.slice(0, 2), one, null);
  await publish([runs[1]!, runs[0]!], other, null);
  const paths = (await files(other)).map((file) => file.slice(other.length + 1));
  assert.ok(paths.length > 10);
  for (const path of paths)
    assert.ok(
      (await readFile(join(one, path), 'utf8')) === (await readFile(join(other, path), 'utf8')),
      path,
    );
});

test('refuses a folder that holds something else, and the same run twice', async () => {
  const home = join(folder, 'home');
  await mkdir(home);
  await writeFile(join(home, 'thesis.txt'), 'years of work');
  for (const [paths, to, code] of [
    [runs, home, 'not-a-site'],
    [[runs[0]!, runs[0]!], join(folder, 'twice'), 'run-twice'],
  ] as const) {
    const error = await publish(paths, to, null).catch((caught: { code: string }) => caught);
    assert.is((error as { code: string }).code, code);
  }
  assert.equal(await readdir(home), ['thesis.txt']);
});

test('shows a stranger’s names as text and keeps his paths inside', async () => {
  const path = join(folder, 'stranger');
  await writeRun(path, poisoned('../../x<script>"\'</title>'));
  const to = join(folder, 'strange', 'site');
  const { written } = await publish([path, runs[0]!], to, null);
  for (const file of written) assert.match(file, /^[A-Za-z0-9._/-]+$/);
  for (const file of written.filter((one) => one.endsWith('.html')))
    assert.equal(markupFaults(await readFile(join(to, file), 'utf8')), [], file);
  assert.equal(await readdir(join(folder, 'strange')), ['site']);
});

test.run();
