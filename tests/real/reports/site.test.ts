import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { publish } from '../../../reports/site/publish.ts';
import { writeRuns } from '../../reports/site/many-runs.ts';
import { suite } from '../../suite.ts';
import { axeFindings, Browser } from './chromium.ts';

const test = suite('the site in Chromium');
const browser = new Browser();
let folder = '';
let site = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-site-'));
  site = join(folder, 'site');
  await publish(await writeRuns(folder, 12, 6), site, null);
});
test.after(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

async function firstOf(kind: string): Promise<string> {
  return join(kind, (await readdir(join(site, kind))).sort()[0]!);
}

for (const look of [
  { name: 'wide', width: 1280 },
  { name: 'on a phone in the dark', width: 360, dark: true },
]) {
  test(`every kind of page opens ${look.name} without a complaint or a request, and axe finds nothing`, async () => {
    for (const path of ['index.html', await firstOf('trends'), await firstOf('compare')]) {
      const { page, complaints, requests } = await browser.open(join(site, path), look);
      assert.equal(await axeFindings(page), [], path);
      assert.equal(complaints, [], path);
      assert.equal(requests, [], path);
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - window.innerWidth',
      );
      assert.ok(overflow <= 0, `${path}: ${overflow} px too wide`);
      await page.context().close();
    }
  });
}

test('a reader gets from the index to a trend, to a run and back', async () => {
  const { page } = await browser.open(join(site, 'index.html'));
  await page.locator('#series a').first().click();
  await page.waitForURL(/trends\//);
  await page.locator('#runs a').first().click();
  await page.waitForURL(/runs\/.*index\.html/);
  assert.match(await page.locator('h1').innerText(), /Native, container/);
  await page.goBack();
  await page.locator('.brand a').click();
  await page.waitForURL(/site\/index\.html/);
});

test.run();
