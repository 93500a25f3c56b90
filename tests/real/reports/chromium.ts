import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser as Started, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** What a page did while it was open. */
export interface Watched {
  page: Page;
  /** Console errors and warnings, uncaught exceptions, dialogs. */
  complaints: string[];
  /** Every address asked for, but for the file itself and data: addresses. */
  requests: string[];
}

export interface Look {
  width?: number;
  height?: number;
  dark?: boolean;
  scripts?: boolean;
}

/** The system's Chromium; started on first use with a profile of its own, a fresh context for every page. */
export class Browser {
  #started: Promise<Started> | undefined;

  async open(file: string, look: Look = {}): Promise<Watched> {
    this.#started ??= chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    const context = await (
      await this.#started
    ).newContext({
      viewport: { width: look.width ?? 1280, height: look.height ?? 900 },
      colorScheme: look.dark ? 'dark' : 'light',
      javaScriptEnabled: look.scripts ?? true,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    const address = `file://${file}`;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('request', (request) => {
      if (request.url().split('#')[0] !== address && !request.url().startsWith('data:'))
        requests.push(request.url());
    });
    await page.goto(address);
    return { page, complaints, requests };
  }

  async close(): Promise<void> {
    await (await this.#started)?.close();
  }
}

/** What axe finds on a page, as lines. Evaluated through the debugger, which the page's own policy does not bind. */
export async function axeFindings(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  return page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }).axe;
    interface AxeViolation {
      id: string;
      help: string;
      nodes: { html: string; failureSummary: string }[];
    }
    const { violations } = await axe.run();
    return violations.flatMap((one) =>
      one.nodes.map(
        (node) => `${one.id}: ${one.help}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 200)}`,
      ),
    );
  });
}
