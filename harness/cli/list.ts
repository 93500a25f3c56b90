import { Argument } from 'commander';
import { basename } from 'node:path';
import { listRuns } from '../../results/store/list-runs.ts';
import { describeOptions } from '../matrix/describe-options.ts';
import { builtInMatrices } from '../run/find-matrix.ts';
import type { Verb } from './verb.ts';

type Row = { name: string; says: string };

export const list: Verb = (program, context) => {
  program
    .command('list')
    .description('list runtimes, workloads, matrices and runs; their options when asked')
    .addArgument(
      new Argument('[what]', 'only one kind').choices([
        'runtimes',
        'workloads',
        'options',
        'matrices',
        'runs',
      ]),
    )
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bench list\n  bench list options      what options: of a matrix takes\n  bench list runs --json',
    )
    .action(async (what: string | undefined, options: { json?: boolean }) => {
      const { catalog, paths, terminal } = context;
      const kinds: Record<string, Row[]> = {
        runtimes: catalog.runtimes.map(({ id, summary }) => ({ name: id, says: summary })),
        workloads: catalog.workloads.map(({ id, summary }) => ({ name: id, says: summary })),
        options: what === 'options' ? describeOptions(catalog) : [],
        matrices: builtInMatrices().map((name) => ({ name, says: `bench run --matrix ${name}` })),
        runs: await runRows(paths.runsDir),
      };
      const shown = Object.entries(kinds).filter(([kind]) =>
        what === undefined ? kind !== 'options' : kind === what,
      );
      if (options.json) {
        terminal.out(JSON.stringify(Object.fromEntries(shown)));
        return;
      }
      for (const [kind, rows] of shown) {
        const width = Math.max(0, ...rows.map((row) => row.name.length));
        terminal.out(`${kind}${rows.length === 0 ? ': none yet' : ''}`);
        for (const row of rows) terminal.out(`  ${row.name.padEnd(width)}  ${row.says}`);
      }
    });
};

async function runRows(runsDir: string): Promise<Row[]> {
  return (await listRuns(runsDir)).map((run) => ({
    name: basename(run.path),
    says: run.readable ? `${run.recorded} trials · ${run.plan.title}` : `unreadable: ${run.problem}`,
  }));
}
