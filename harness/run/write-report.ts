import { renderPage } from '../../reports/page/render-page.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import { readRun } from '../../results/store/read-run.ts';
import { RunFolder } from '../../results/store/run-folder.ts';
import { summarize } from '../../results/summarize/summarize.ts';

/** A run with its numbers worked out and its page written. */
export interface Finished {
  runFolder: string;
  reportPath: string;
  plan: Plan;
  summary: Summary;
}

/** Works out summary.json and report.html from plan.json and trials.jsonl alone; safe to repeat, same input, same bytes. */
export async function writeReport(runFolder: string): Promise<Finished> {
  const run = await readRun(runFolder);
  const folder = await RunFolder.open(runFolder);
  const summary = summarize(run);
  await folder.writeSummary(summary);
  await folder.writeReport(await renderPage({ ...run, summary }));
  return { runFolder: folder.path, reportPath: folder.file('report'), plan: run.plan, summary };
}
