import { renderPage } from '../../reports/page/render-page.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { makeRun, type FixtureRun } from '../reports/runs/make-run.ts';
import { largeRun } from './large-run.ts';

/**
 * How long a page takes, how large it is and how much memory it needs: the quick run, and a run of a million trials in a
 * thousand cells. The large run's records share their parts in memory, so that what is measured is the page, not the
 * fixture; its summary comes from its first rounds, because the size of a summary does not depend on the rounds.
 *
 *   npm run bench:report
 */
const ARMS = 10;
const WORKLOADS = 100;
const ROUNDS = 1000;
const SUMMARY_ROUNDS = 12;

function millionTrials(): { run: FixtureRun; first: TrialRecord[] } {
  const base = largeRun({ arms: ARMS, workloads: WORKLOADS, rounds: SUMMARY_ROUNDS });
  const trials: TrialRecord[] = new Array<TrialRecord>(ARMS * WORKLOADS * ROUNDS);
  for (let i = 0; i < trials.length; i++) {
    const template = base.trials[i % base.trials.length]!;
    trials[i] = { ...template, round: Math.floor(i / (ARMS * WORKLOADS)), trial: `r${i}` };
  }
  return { run: { ...base, plan: { ...base.plan, rounds: ROUNDS }, trials }, first: base.trials };
}

async function measure(name: string, run: FixtureRun, first: readonly TrialRecord[]): Promise<void> {
  const summary = summarize({ plan: run.plan, trials: first });
  const before = process.memoryUsage().rss;
  const began = performance.now();
  const html = await renderPage({ ...run, summary });
  const seconds = (performance.now() - began) / 1000;
  const mib = (value: number): string => (value / 2 ** 20).toFixed(0).padStart(5);
  console.log(
    `${name.padEnd(28)} ${String(run.trials.length).padStart(8)} trials  ${seconds.toFixed(2).padStart(6)} s  ` +
      `${(Buffer.byteLength(html) / 1000).toFixed(0).padStart(6)} kB  peak ${mib(process.resourceUsage().maxRSS * 1024)} MiB (${mib(before)} before the page)`,
  );
}

const quick = makeRun();
await measure('quick', quick, quick.trials);
const { run, first } = millionTrials();
await measure('a million in 1,000 cells', run, first);
