import * as assert from 'uvu/assert';
import { renderAnalysis } from '../../harness/analyze/render-analysis.ts';
import { markdown } from '../../reports/export/markdown.ts';
import { renderPage } from '../../reports/page/render-page.ts';
import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { textWidth } from '../../reports/terminal/text-width.ts';
import { sightWords } from '../../reports/words/sight.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';
import { fixtureArms } from './runs/arms.ts';
import { makeRun, quickOptions } from './runs/make-run.ts';

const test = suite('the smallest difference that could be seen, beside every verdict');

const native = fixtureArms[0]!;
const twin = { ...native, arm: { ...native.arm, id: 'twin', label: 'Native again' } };
const workloads = quickOptions.workloads.map((one) => ({ ...one, cost: { ...one.cost, twin: 1 } }));
const made = makeRun({ arms: [...fixtureArms, twin], workloads });
const controlled = { ...made, plan: { ...made.plan, control: 'twin' } };
const plain = makeRun();
const [withControl, without] = [summarize(controlled), summarize(plain)];
const VERDICT = /[▲▼=≈?] (costs more|costs less|same|negligible|not settled)/;

test('each row of the terminal’s table has it, with the control beside it where there is one', () => {
  for (const width of [80, 120]) {
    const text = renderAnswer(without, plain.plan, { color: false, width });
    assert.not.match(text, /A\/A \+/);
    assert.match(text.replace(/\s+/g, ' '), /no A\/A control/);
    assert.match(renderAnswer(withControl, controlled.plan, { color: false, width }), /A\/A/);
  }
  const lines = renderAnswer(withControl, controlled.plan, { color: false, width: 140 }).split('\n');
  const rows = lines.filter((line) => VERDICT.test(line));
  assert.ok(rows.length >= 20);
  for (const line of rows) {
    assert.match(
      line,
      /(costs more|costs less|same|negligible|not settled)\s+(\d[\d.]*\s(%|×)|any|\d[\d.]*×|–)/,
    );
    if (!/Native again/.test(line)) assert.match(line, /(%|×|any)\s+[+−]?\d[\d.]*(\s%|×)\s+\S/);
  }
});

test('each verdict of the page has it in its own cell, and the legend says what it is', async () => {
  const html = await renderPage({ ...controlled, summary: withControl });
  const cells = [...html.matchAll(/<td class="v-(?!none)[^]*?<\/td>/g)].map(([cell]) => cell);
  assert.ok(cells.length >= 20);
  for (const cell of cells) assert.match(cell, /class="sight">(could see|too few rounds)/);
  assert.match(html, /A\/A.{0,80}against itself/);
});

test('each verdict in Markdown has it', () => {
  const text = String(markdown.write({ ...plain, path: '', warnings: [], summary: without } as never));
  for (const cell of text
    .split('\n')
    .flatMap((line) => line.split(' | '))
    .filter((one) => VERDICT.test(one)))
    assert.match(cell, /could see|too few rounds/);
});

test('an analysis says it in its table, and a table wider than the terminal becomes blocks that fit', () => {
  const analysis = {
    ...{ schema: 'tare.analysis/1' as const, source: 'x', observations: 1, baseline: 'native' },
    ...{
      margin: 0.01,
      confidence: 0.95,
      cells: without.cells,
      comparisons: without.comparisons,
      warnings: [],
    },
  };
  assert.match(renderAnalysis(analysis), /verdict +could see +stall cost/);
  for (const width of [80, 120]) {
    const blocks = renderAnalysis(analysis, width);
    assert.match(blocks, /could see/);
    for (const line of blocks.split('\n')) assert.ok(textWidth(line) <= width, line);
  }
});

test('a scatter of nothing can see anything; too few rounds see nothing', () => {
  assert.is(
    sightWords({ overhead: 1, sight: { detectable: 0, from: 'pairs', floor: null } })?.couldSee,
    'any',
  );
  assert.is(sightWords({ overhead: 1, sight: null })?.short, 'too few rounds to see anything');
  assert.is(sightWords({ overhead: null, sight: null }), null);
});

test.run();
