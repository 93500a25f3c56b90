import { Option } from 'commander';
import { findRun } from '../run/find-run.ts';
import type { Verb } from './verb.ts';

/** Kept here too, so that `bench --help` need not load what writes them; a test holds the two lists equal. */
export const FORMATS = [
  'csv',
  'json',
  'parquet',
  'junit',
  'markdown',
  'benchfmt',
  'bmf',
  'openmetrics',
  'vega-lite',
] as const;

export const exportVerb: Verb = (program, context) => {
  program
    .command('export')
    .description('hand a run to another program')
    .argument('<run>', 'a run folder, a run id, or latest')
    .addOption(new Option('--format <format>', 'what to write').choices(FORMATS).makeOptionMandatory())
    .option('--out <file>', 'file to write; without it text goes to stdout')
    .option('--json', 'print what was written as JSON (needs --out)')
    .addHelpText(
      'after',
      `
Formats:
  csv          tidy table, one row per sample        parquet      the same in columns
  json         the whole run in one document         junit        one case per trial, for CI
  markdown     the answer, for pull requests         benchfmt     for benchstat -col /box
  bmf          Bencher metric format                 openmetrics  for Prometheus and its kin
  vega-lite    the forest plot as a specification

Examples:
  bench export latest --format csv > run.csv
  bench export latest --format parquet --out run.parquet`,
    )
    .action(
      async (named: string, options: { format: (typeof FORMATS)[number]; out?: string; json?: boolean }) => {
        const { exportRun } = await import('../../reports/export/export-run.ts');
        const written = await exportRun(
          await findRun(context.paths.runsDir, named),
          options.format,
          options.out,
        );
        if (written.path === null) context.terminal.out(written.text);
        else if (options.json)
          context.terminal.out(JSON.stringify({ path: written.path, bytes: written.bytes }));
        else context.terminal.out(written.path);
      },
    );
};
