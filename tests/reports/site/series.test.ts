import * as assert from 'uvu/assert';
import { trendSeries } from '../../../reports/site/series.ts';
import type { PublishedRun } from '../../../reports/site/published-run.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { suite } from '../../suite.ts';
import { fixtureArms } from '../runs/arms.ts';
import { makeRun } from '../runs/make-run.ts';
import { fixtureWorkloads } from '../runs/workloads.ts';

const test = suite('the names of series');

function published(secondsOf: number[], fingerprint = 'f'.repeat(64)): PublishedRun {
  const workload = fixtureWorkloads[0]!;
  const workloads = secondsOf.map((seconds, i) => ({
    ...workload,
    planned: { ...workload.planned, id: `cpu-${i}`, options: { ...workload.planned.options, seconds } },
  }));
  const run = makeRun({ rounds: 6, arms: fixtureArms.slice(0, 2), workloads, fates: {}, voided: [] });
  const host = { ...run.host, before: { ...run.host.before, fingerprint } };
  return { ...run, host, path: '', warnings: [], summary: summarize(run), slug: 's', source: fingerprint };
}

const cpu = (runs: PublishedRun[]): string[] =>
  trendSeries(runs)
    .map(({ title }) => title)
    .filter((title) => title.startsWith('CPU'));

test('one series keeps its plain name', () => {
  const [title, ...more] = cpu([published([1])]);
  assert.equal(more, []);
  assert.match(title ?? '', /^CPU[^(]*against Native$/);
});

test('two that differ in an option that no label says have it behind their names, and nothing else', () => {
  const [plain = ''] = cpu([published([1])]);
  assert.equal(cpu([published([1, 5])]), [`${plain} (seconds 1)`, `${plain} (seconds 5)`]);
});

test('the same of two machines have the machine', () => {
  const [plain = ''] = cpu([published([1])]);
  assert.equal(cpu([published([1], 'a'.repeat(64)), published([1], 'b'.repeat(64))]), [
    `${plain} (machine aaaaaaaa)`,
    `${plain} (machine bbbbbbbb)`,
  ]);
});

test('two that differ in nothing but their ids have those', () => {
  const titles = cpu([published([1, 1])]);
  assert.equal(
    titles.map((title) => /\((.*)\)$/.exec(title)?.[1]),
    ['workload cpu-0', 'workload cpu-1'],
  );
});

test.run();
