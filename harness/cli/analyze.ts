import { CONFIDENCE, MARGIN } from '../../results/statistics/defaults.ts';
import { shareOf } from './parse-option.ts';
import type { Verb } from './verb.ts';

interface Options {
  baseline?: string;
  margin: number;
  confidence: number;
  json?: boolean;
}

export const analyze: Verb = (program, { terminal }) => {
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
    .option('--json', 'print the analysis as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bench analyze data.csv --baseline native\n  my-benchmark | bench analyze --json\n',
    )
    .action(async (file: string, { json, ...options }: Options) => {
      const { analyzeFile } = await import('../analyze/analyze-file.ts');
      const analysis = await analyzeFile(file, options);
      if (json) terminal.out(JSON.stringify(analysis));
      else {
        const { renderAnalysis } = await import('../analyze/render-analysis.ts');
        terminal.out(renderAnalysis(analysis, terminal.width));
      }
    });
};
