import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderPage } from '../../../reports/page/render-page.ts';
import { packagePath } from '../../../results/package-root.ts';
import { listRuns } from '../../../results/store/list-runs.ts';
import { readRun } from '../../../results/store/read-run.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { Browser } from './chromium.ts';

/**
 * The pictures in docs/images, of a real run: the page wide, in the dark, on a phone, and printed.
 *
 *   npm run docs:images [-- <run folder>]     without a folder: the latest run in results/runs
 */
const TALL_PX = 1500;

async function latestRun(): Promise<string> {
  const runs = await listRuns(packagePath('results', 'runs'));
  const latest = runs.filter((run) => run.readable).at(-1);
  if (!latest) throw new Error('there is no run in results/runs: bench run --matrix');
  return latest.path;
}

const run = await readRun(process.argv[2] ?? (await latestRun()));
const folder = await mkdtemp(join(tmpdir(), 'tare-images-'));
const images = packagePath('docs', 'images');
const browser = new Browser();
try {
  const file = join(folder, 'report.html');
  await writeFile(file, await renderPage({ ...run, summary: summarize(run) }));
  await mkdir(images, { recursive: true });
  const shoot = async (
    name: string,
    look: { width: number; dark?: boolean },
    top: string | null = null,
  ): Promise<void> => {
    const { page } = await browser.open(file, look);
    const y = top === null ? 0 : ((await page.locator(top).boundingBox())?.y ?? 0);
    const height = await page.evaluate<number>('document.documentElement.scrollHeight');
    await page.screenshot({
      path: join(images, `${name}.png`),
      fullPage: true,
      clip: { x: 0, y, width: look.width, height: Math.min(TALL_PX, height - y) },
    });
    await page.context().close();
    console.log(`docs/images/${name}.png`);
  };
  await shoot('report', { width: 1200 });
  await shoot('report-dark', { width: 1200, dark: true });
  await shoot('report-pictures', { width: 1200 }, 'section.work >> nth=0');
  await shoot('report-phone', { width: 390 });
  const { page } = await browser.open(file);
  await page.pdf({
    path: join(images, 'report-print.pdf'),
    format: 'A4',
    printBackground: false,
    margin: { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' },
  });
  console.log('docs/images/report-print.pdf');
} finally {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}
