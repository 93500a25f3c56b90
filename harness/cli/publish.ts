import { findRun } from '../run/find-run.ts';
import type { Verb } from './verb.ts';

export const publish: Verb = (program, context) => {
  program
    .command('publish')
    .description('write a site of many runs: pages, trends, comparisons, badges, a feed')
    .argument('<runs...>', 'run folders or run ids; all that the site shall show')
    .requiredOption('--to <folder>', 'folder of the site: new, empty, or one published before')
    .option('--url <address>', 'where the site will be served; adds sitemap.xml')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Only what changes is written. Links are relative: the site opens from a folder and below any address.

Examples:
  bench publish results/runs/* --to site
  bench publish results/runs/* --to site --url https://me.github.io/bench/`,
    )
    .action(async (named: string[], options: { to: string; url?: string; json?: boolean }) => {
      const { publish: write } = await import('../../reports/site/publish.ts');
      const paths: string[] = [];
      for (const name of named) paths.push(await findRun(context.paths.runsDir, name));
      const done = await write(paths, options.to, options.url ?? null);
      if (options.json) {
        context.terminal.out(JSON.stringify(done));
        return;
      }
      context.terminal.out(
        `${done.runs} runs, ${done.written.length} files written, ${done.unchanged} unchanged, ${done.removed.length} removed`,
      );
      context.terminal.out(`${done.folder}/index.html`);
    });
};
