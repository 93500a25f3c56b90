import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { renderPage } from '../../reports/page/render-page.ts';
import { svgMarkup } from '../../reports/page/safe-markup.ts';
import { packagePath } from '../../results/package-root.ts';
import { readRun } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';

const test = suite('the page');
const QUICK_LIMIT_BYTES = 600_000;

// Read from disk, as every page is: the store hands records over in the order of their schemas.
const run = await readRun(packagePath('tests', 'fixtures', 'runs', 'quick'));
const summary = summarize(run);
let html = '';
test.before(async () => {
  html = await renderPage({ ...run, summary });
});

test('is the same bytes for the same run', async () => {
  assert.ok((await renderPage({ ...run, summary })) === html);
});

test('of the quick run fits its size', () => {
  assert.ok(Buffer.byteLength(html) <= QUICK_LIMIT_BYTES, `${Buffer.byteLength(html)} bytes`);
});

test('holds the run, and the run gives the page again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tare-again-'));
  try {
    const [, base64 = ''] = /href="data:application\/gzip;base64,([^"]+)"/.exec(html) ?? [];
    await writeFile(join(folder, 'run.tar.gz'), Buffer.from(base64.replaceAll('&#x3D;', '='), 'base64'));
    await execa('tar', ['xzf', 'run.tar.gz'], { cwd: folder });
    const again = await readRun(join(folder, run.plan.runId));
    assert.ok((await renderPage({ ...again, summary: summarize(again) })) === html);
    const { stdout } = await execa('sha256sum', [join(folder, run.plan.runId, 'trials.jsonl')]);
    assert.ok(html.includes(stdout.split(' ')[0]!), 'the page states the checksum of the trials it holds');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('names every emulated number as emulated', () => {
  const row = /<tr data-workload="cpu" data-metric="events_per_second">.*?<\/tr>/s.exec(html)?.[0] ?? '';
  const cells = row.split('<td').slice(2);
  assert.equal(
    cells.map((cell) => (cell.match(/class="emu"/g) ?? []).length),
    [0, 2, 2],
  );
  for (const sentence of html.match(/<dd class="v-[^"]*">.*?<\/dd>/gs) ?? [])
    assert.is(/>VM, /.test(sentence), /, emulated/.test(sentence), sentence);
});

test('shows failed and void trials with the words of the tool', () => {
  assert.match(html, /FATAL: Failed to fsync file! file: 14 errno &#x3D; 22/);
  assert.match(html, /timed out in run/);
  assert.match(html, /Round 8/);
  assert.match(html, /logs\/r2-vm-qcow2\.fileio\/run\.txt/);
});

test('its policy names the hash of its only style sheet and its only script', () => {
  const csp = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
  const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
  const styles = [...html.matchAll(/<style[^>]*>(.*?)<\/style>/gs)];
  const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)];
  assert.is(styles.length, 1);
  assert.is(scripts.length, 1);
  assert.ok(csp.replaceAll('&#x3D;', '=').includes(hash(styles[0]![1]!)));
  assert.ok(csp.replaceAll('&#x3D;', '=').includes(hash(scripts[0]![1]!)));
  assert.ok(csp.includes('default-src &#x27;none&#x27;'));
  assert.not.match(csp, /unsafe/);
});

test('says what the packets of a network workload crossed, and that the paths differ', () => {
  assert.match(html, /over loopback/);
  assert.match(html, /over virtio-net \+ tap/);
  assert.match(html, /The packets do not cross the same: loopback for Native, veth for Container/);
  const cpu = /<tr data-workload="cpu" data-metric="events_per_second">.*?<\/tr>/s.exec(html)?.[0] ?? '';
  assert.not.match(cpu, /over (loopback|veth)/);
});

test('asks for nothing from anywhere', () => {
  assert.not.match(html, /(?:src|href|action|poster|data)="(?!#|data:)/);
  assert.not.match(html, /@import|url\((?!#)|<(?:iframe|object|embed|img|base)\b/);
});

test('stands without a machine record, without a matrix and without a single trial', async () => {
  const empty = { ...run, trials: [] };
  const page = await renderPage({ ...empty, host: null, matrixText: '', summary: summarize(empty) });
  assert.match(page, /0 of 160 trials gave a value/);
  assert.match(page, /<\/html>/);
});

test('takes in no picture that it did not draw itself', () => {
  assert.throws(
    () => svgMarkup({ text: '<svg viewBox="0 0 1 1"><script>1</script></svg>' }, 'x'),
    /only pictures drawn/,
  );
});

test('the rules of the plan that void a round stand beside the evidence; rules it does not have are not claimed', async () => {
  assert.not.match(
    await renderPage({ ...run, summary }),
    /slowed for heat;|tasks per CPU ready to run before/,
  );
  const policy = { ...run.plan.policy, maxRunQueue: 1.5, maxThermalEvents: 0, maxThrottledShare: 0.01 };
  const trials = run.trials.map((trial) => ({
    ...trial,
    disturbance: trial.disturbance && {
      ...trial.disturbance,
      runQueuePerCpu: 0.5,
      thermalEvents: 3,
      runThrottledMs: 0,
    },
  }));
  const html = (await renderPage({ ...run, plan: { ...run.plan, policy }, trials, summary })).replaceAll(
    '\u00a0',
    ' ',
  );
  assert.match(html, 'more than 1.5 tasks per CPU ready to run before and after');
  assert.match(html, 'a measured CPU was slowed for heat;');
  assert.match(html, 'a CPU quota that the matrix did not give stopped the run for more than 1.0 %');
  assert.match(html, /Times that a measured CPU was slowed for heat<\/th><td>3</);
});

test.run();
