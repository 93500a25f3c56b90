import { GATE_TOLERANCE } from '../../results/statistics/defaults.ts';
import { shareOf } from './parse-option.ts';
import type { Verb } from './verb.ts';

interface Options {
  add?: string;
  commit?: string;
  tolerance: number;
  sql?: string;
  parquet?: string;
  json?: boolean;
}

export const history: Verb = (program, { terminal, paths }) => {
  program
    .command('history')
    .description('overheads over time: append runs, list series, find the runs between which a level changed')
    .argument('<history>', 'a history file (JSON lines), or a folder of them')
    .option('--add <run>', 'append a finished run to the file')
    .option('--commit <revision>', 'with --add: what was measured')
    .option('--tolerance <share>', 'smaller changes have no name, e.g. 2%', shareOf, GATE_TOLERANCE)
    .option('--sql <query>', 'ask DuckDB; the points are the view "history"')
    .option('--parquet <file>', 'write the points as Parquet')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  bench history bench-history.jsonl --add latest --commit "$(git rev-parse HEAD)"
  bench history bench-history.jsonl --tolerance 3%
  bench history bench-history.jsonl --sql "select series, count(*) n from history group by series"`,
    )
    .action(async (file: string, options: Options) => {
      if (options.add !== undefined) {
        const { addRun } = await import('../history/add-run.ts');
        const added = await addRun(file, paths.runsDir, options.add, options.commit ?? null);
        terminal.err(`${added} points added to ${file}\n`);
      }
      if (options.sql !== undefined || options.parquet !== undefined) {
        const { exportParquet, queryHistory } = await import('../history/query-history.ts');
        if (options.parquet !== undefined) await exportParquet(file, options.parquet);
        if (options.sql !== undefined)
          terminal.out(JSON.stringify(await queryHistory(file, options.sql), null, 1));
        return;
      }
      const { readHistory } = await import('../history/history-file.ts');
      const { judgeHistory } = await import('../history/judge-history.ts');
      const { points, warnings } = await readHistory(file);
      const series = judgeHistory(points, options.tolerance);
      for (const warning of warnings) terminal.err(`bench: ${warning}\n`);
      const { renderHistory } = await import('../history/render-history.ts');
      terminal.out(
        options.json ? JSON.stringify({ series, warnings }) : renderHistory(series, terminal.width),
      );
    });
};
