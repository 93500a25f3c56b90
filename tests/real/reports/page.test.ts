import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { renderPage } from '../../../reports/page/render-page.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { makeRun } from '../../reports/runs/make-run.ts';
import { suite } from '../../suite.ts';
import { axeFindings, Browser } from './chromium.ts';

const test = suite('the page in Chromium');
const browser = new Browser();
let folder = '';
let file = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-page-'));
  file = join(folder, 'report.html');
  const run = makeRun();
  await writeFile(file, await renderPage({ ...run, summary: summarize(run) }));
});
test.after(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

for (const look of [
  { name: 'wide', width: 1280 },
  { name: 'on a phone', width: 360 },
  { name: 'in the dark', width: 1280, dark: true },
]) {
  test(`opens ${look.name} without a complaint, a request or a sideways scroll, and axe finds nothing`, async () => {
    const { page, complaints, requests } = await browser.open(file, look);
    assert.equal(await axeFindings(page), []);
    assert.equal(complaints, []);
    assert.equal(requests, []);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
    assert.ok(overflow <= 0, `${overflow} px too wide`);
  });
}

test('its policy stops a script that is not its own', async () => {
  const { page, complaints } = await browser.open(file);
  const ran = await page.evaluate(`(() => {
    const script = document.createElement('script');
    script.textContent = 'window.foreign = true';
    document.body.append(script);
    return 'foreign' in window;
  })()`);
  assert.is(ran, false);
  assert.ok(
    complaints.some((line) => line.includes('Content Security Policy')),
    complaints.join('\n'),
  );
});

test('filters and sorts when scripts run, and shows everything when they do not', async () => {
  const { page } = await browser.open(file);
  const filter = (name: string) =>
    page.locator('.tools label', { hasText: new RegExp(`^${name}`) }).locator('select');
  const visibleRows = () => page.locator('#answer-table tbody tr:visible').count();
  const all = await visibleRows();
  await filter('Workload').selectOption('fileio');
  assert.is(await visibleRows(), 1);
  assert.is(await page.locator('section.work:visible').count(), 1);
  await filter('Workload').selectOption('');
  assert.is(await visibleRows(), all);
  await filter('Box').selectOption('container');
  assert.is(await page.locator('#answer-table td[data-arm="vm-raw"]:visible').count(), 0);
  await filter('Box').selectOption('');
  await page.locator('#answer-table thead button').last().click();
  const costs = await page.locator('#answer-table tbody tr td:last-child .cost').allTextContents();
  const numbers = costs.map((text) => parseFloat(text));
  assert.equal(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  const silent = await browser.open(file, { scripts: false });
  assert.is(await silent.page.locator('#answer-table tbody tr:visible').count(), all);
  assert.is(await silent.page.locator('figure:visible').count(), await page.locator('figure').count());
});

test('the keyboard reaches every link, control and scrolling region', async () => {
  const { page } = await browser.open(file);
  const wanted = await page
    .locator('a[href]:visible, button:visible, select:visible, summary:visible, [tabindex="0"]:visible')
    .count();
  const reached = new Set<string>();
  for (let i = 0; i < wanted + 5; i++) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate<string>(
        "String([...document.querySelectorAll('*')].indexOf(document.activeElement))",
      ),
    );
  }
  assert.ok(reached.size >= wanted, `${reached.size} of ${wanted} reached`);
});

test('no text of a picture is cut off at its edge', async () => {
  const { page } = await browser.open(file);
  const cut = await page.evaluate<string[]>(`[...document.querySelectorAll('figure svg')].flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) return [];
    return [...svg.querySelectorAll('text')]
      .filter((text) => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      })
      .map((text) => svg.closest('figure').id + ': ' + text.textContent);
  })`);
  assert.equal(cut, []);
});

/** Text pressed into a column of a few letters: what a table or grid does when one of its parts gives way. */
const PRESSED = `[...document.querySelectorAll('p, caption, dd, dt, li, th, td, figcaption, h1, h2, h3')]
  .filter((element) => {
    const box = element.getBoundingClientRect();
    return box.height > 0 && element.textContent.trim().length > 12 && box.width < 40;
  })
  .map((element) => element.tagName + ': ' + element.textContent.trim().slice(0, 60))`;

for (const [name, look, media] of [
  ['wide', { width: 1280 }, 'screen'],
  ['on a phone', { width: 360 }, 'screen'],
  ['on paper', { width: 703 }, 'print'],
] as const)
  test(`presses no text into a column of single letters ${name}`, async () => {
    const { page } = await browser.open(file, look);
    await page.emulateMedia({ media });
    assert.equal(await page.evaluate<string[]>(PRESSED), []);
    if (media === 'print')
      assert.ok(
        await page.locator('#answer-table thead').isVisible(),
        'paper shows the table, not the phone’s cards',
      );
  });

test('prints every part, the folded ones too', async () => {
  const { page } = await browser.open(file);
  await page.emulateMedia({ media: 'print' });
  const hidden = await page.evaluate<number>(
    "[...document.querySelectorAll('details table')].filter((table) => table.getBoundingClientRect().height === 0).length",
  );
  assert.is(hidden, 0);
});

test.run();
