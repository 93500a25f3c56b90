import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { renderPage } from '../../../reports/page/render-page.ts';
import { readRun } from '../../../results/store/read-run.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { hostileRuns } from '../../reports/runs/hostile.ts';
import { suite } from '../../suite.ts';
import { Browser } from './chromium.ts';

const test = suite('a run from a stranger, in Chromium');
const browser = new Browser();
test.after(() => browser.close());

for (const hostile of hostileRuns.filter((one) => one.expect === 'page')) {
  test(`${hostile.name}: nothing runs, nothing is fetched, nothing breaks the page`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tare-hostile-'));
    try {
      await hostile.write(folder);
      const run = await readRun(folder);
      const file = join(folder, 'report.html');
      await writeFile(file, await renderPage({ ...run, summary: summarize(run) }));
      const { page, complaints, requests } = await browser.open(file);
      // Everything a name could have been made to react to.
      await page.evaluate(`for (const element of document.querySelectorAll('a, th, svg, summary, figure'))
        for (const type of ['mouseover', 'focus', 'click', 'error', 'load']) element.dispatchEvent(new Event(type, { bubbles: true }))`);
      assert.is(await page.evaluate("'pwned' in window"), false);
      assert.equal(complaints, []);
      assert.equal(requests, []);
      assert.is(
        await page.evaluate(
          "document.querySelectorAll('script').length + document.querySelectorAll('iframe, img, object, embed, form').length",
        ),
        1,
      );
      assert.is(await page.locator('#repeat').count(), 1);
      assert.ok(
        (await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')) <= 0,
        'too wide',
      );
      await page.context().close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test.run();
