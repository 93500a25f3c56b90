import type { Replication } from '../../results/record/replication.ts';
import { CONFIDENCE, MARGIN } from '../../results/statistics/defaults.ts';
import { costsOf, shareOf } from './parse-option.ts';
import type { Verb, VerbContext } from './verb.ts';

interface Options {
  baseline?: string;
  margin: number;
  confidence: number;
  json?: boolean;
  replication?: boolean;
  levels?: string;
  cost?: ReadonlyMap<string, number>;
  precision: number;
}

export const analyze: Verb = (program, context) => {
  const { terminal } = context;
  program
    .command('analyze')
    .description('statistics of anyone’s numbers: overheads with intervals, verdicts, diagnostics')
    .argument(
      '[file]',
      'CSV or JSON lines with round,arm,metric,value[,unit,better,workload,position]; - is stdin',
      '-',
    )
    .option('--baseline <arm>', 'the arm that costs are against (default: the first in the file)')
    .option('--margin <share>', 'differences below it are negligible, e.g. 0.01 or 1%', shareOf, MARGIN)
    .option('--confidence <share>', 'of the intervals, e.g. 0.95', shareOf, CONFIDENCE)
    .option('--replication', 'instead: variance at each level of repetition, and where more of it pays')
    .option(
      '--levels <columns>',
      'with --replication: level columns, outermost first (default: round,start,iteration)',
    )
    .option(
      '--cost <costs>',
      'with --replication: cost of one more at each level, e.g. round=0.5,start=8,iteration=1',
      costsOf,
    )
    .option(
      '--precision <share>',
      'with --replication: the half-width of the mean that is wanted',
      shareOf,
      MARGIN,
    )
    .option('--json', 'print the analysis as JSON')
    .addHelpText(
      'after',
      `
Examples:
  bench analyze data.csv --baseline native
  my-benchmark | bench analyze --json
  bench analyze pilot.csv --replication --cost start=8,iteration=1 --levels start,iteration
  bench analyze --replication latest         a run: the costs of its boxes, by round and start
`,
    )
    .action(async (file: string, options: Options) => {
      const { json } = options;
      if (options.replication) {
        const replication = await replicate(file, options, context);
        const { renderReplication } = await import('../analyze/render-replication.ts');
        terminal.out(json ? JSON.stringify(replication) : renderReplication(replication, terminal.width));
        return;
      }
      const { analyzeFile } = await import('../analyze/analyze-file.ts');
      const analysis = await analyzeFile(file, options);
      if (json) terminal.out(JSON.stringify(analysis));
      else {
        const { renderAnalysis } = await import('../analyze/render-analysis.ts');
        terminal.out(renderAnalysis(analysis, terminal.width));
      }
    });
};

async function replicate(file: string, options: Options, { paths }: VerbContext): Promise<Replication> {
  const { isRun, replicateFile, replicateRun } = await import('../analyze/replicate.ts');
  const { confidence, precision, levels, cost = null } = options;
  const asked = { confidence, precision, levels: levels?.split(',') ?? null, costs: cost };
  if (!isRun(file)) return replicateFile(file, asked);
  const { findRun } = await import('../run/find-run.ts');
  const { readRun } = await import('../../results/store/read-run.ts');
  return replicateRun(await readRun(await findRun(paths.runsDir, file)), asked);
}
