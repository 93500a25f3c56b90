import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { findRun } from '../run/find-run.ts';
import { writeReport } from '../run/write-report.ts';
import type { Verb } from './verb.ts';

export const report: Verb = (program, context) => {
  program
    .command('report')
    .description('work out summary.json and report.html again from a run’s trials')
    .argument('<run>', 'a run folder, a run id, or latest')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', '\nExample:\n  bench report latest\n')
    .action(async (named: string, options: { json?: boolean }) => {
      const { terminal, paths } = context;
      const finished = await writeReport(await findRun(paths.runsDir, named));
      if (options.json) {
        terminal.out(
          JSON.stringify({ run: finished.runFolder, report: finished.reportPath, summary: finished.summary }),
        );
        return;
      }
      terminal.out(renderAnswer(finished.summary, finished.plan, terminal));
      terminal.out(`report: ${finished.reportPath}`);
    });
};
