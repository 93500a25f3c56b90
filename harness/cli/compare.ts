import type { Verb } from './verb.ts';

export const compare: Verb = (program, { terminal, paths }) => {
  program
    .command('compare')
    .description('set two finished runs side by side: what differs in machine and tools, and every overhead')
    .argument('<run-a>', 'a run folder, a run id, or latest')
    .argument('<run-b>', 'the other run')
    .option('--json', 'print the comparison as JSON')
    .addHelpText('after', '\nExample:\n  bench compare 20260101-120000-quick latest\n')
    .action(async (a: string, b: string, options: { json?: boolean }) => {
      const { findRun } = await import('../run/find-run.ts');
      const { readRun } = await import('../../results/store/read-run.ts');
      const { compareRuns } = await import('../compare/compare-runs.ts');
      const { renderComparedRuns } = await import('../compare/render-comparison.ts');
      const compared = compareRuns(
        await readRun(await findRun(paths.runsDir, a)),
        await readRun(await findRun(paths.runsDir, b)),
      );
      terminal.out(options.json ? JSON.stringify(compared) : renderComparedRuns(compared, terminal.width));
    });
};
