import * as fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exportFormats } from '../../reports/export/catalog.ts';
import { renderPage } from '../../reports/page/render-page.ts';
import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { BenchError } from '../../results/bench-error.ts';
import { readRun } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { suite } from '../suite.ts';
import { markupFaults } from './markup-faults.ts';
import { hostileRuns, poisoned } from './runs/hostile.ts';

const test = suite('a run from a stranger');

for (const hostile of hostileRuns) {
  test(`${hostile.name}: ${hostile.expect === 'page' ? 'shown as text' : 'refused, with the reason'}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tare-hostile-'));
    try {
      await hostile.write(folder);
      const outcome = await readRun(folder).catch((error: unknown) => error);
      if (hostile.expect === 'refused') {
        assert.instance(outcome, BenchError);
        assert.ok((outcome as BenchError).message.includes(folder), (outcome as BenchError).message);
        return;
      }
      if (outcome instanceof Error) throw outcome;
      const run = outcome as Awaited<ReturnType<typeof readRun>>;
      const summary = summarize(run);
      const html = await renderPage({ ...run, summary });
      assert.equal(markupFaults(html), []);
      assert.ok(html.length < 2_000_000, `${html.length} bytes`);
      const text = renderAnswer(summary, run.plan, { color: false, width: 100 });
      assert.not.match(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      for (const format of exportFormats) {
        if (format.id === 'vega-lite' && !/id="forest"/.test(html)) continue;
        await format.write({ ...run, summary });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test('random names never become markup', async () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '</',
      '-->',
      '{{',
      '}}',
      '${',
      '\\',
      '=',
      'onload=',
      '<script>',
      '\u2028',
      '\ud800',
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
      const run = poisoned(pieces.join('') || 'x');
      assert.equal(markupFaults(await renderPage({ ...run, summary: summarize(run) })), []);
    }),
    { numRuns: 4, seed: 20_261_120 },
  );
});

test('the check for markup sees a script, a handler and a foreign element', () => {
  assert.ok(markupFaults('<p><script>1</script><script>2</script></p>').length > 0);
  assert.ok(markupFaults('<p onclick="x">a</p>').length > 0);
  assert.ok(markupFaults('<p><iframe title="x"></iframe></p>').length > 0);
  assert.ok(markupFaults('<a href="javascript:1">a</a>').length > 0);
  assert.ok(markupFaults('<p title="x"y="z">a</p>').length > 0);
  assert.equal(markupFaults('<p class="a">1 &lt; 2</p><script>1</script>'), []);
});

test.run();
