import { renderAnswer } from '../../reports/terminal/render-answer.ts';
import { BenchError } from '../../results/bench-error.ts';
import { findMatrix } from '../run/find-matrix.ts';
import { findRun } from '../run/find-run.ts';
import { runMatrix } from '../run/run-matrix.ts';
import { exitCodeOfRun } from './exit-code.ts';
import { wholeNumber } from './parse-option.ts';
import { Progress } from './progress.ts';
import type { Verb } from './verb.ts';

interface Options {
  matrix?: string | true;
  resume?: string;
  rounds?: number;
  seed?: string;
  json?: boolean;
  quiet?: boolean;
}

export const run: Verb = (program, context) => {
  program
    .command('run')
    .description('measure: run a matrix over repeated, randomised trials and write the report')
    .option(
      '--matrix [file|name]',
      'matrix file or built-in name (default: bench.matrix.yaml here, else quick)',
    )
    .option('--resume <run>', 'go on with a run that was interrupted, in the same order')
    .option('--rounds <n>', 'rounds, instead of what the matrix says', wholeNumber(1, 10_000))
    .option('--seed <text>', 'seed of the order; the same seed gives the same order')
    .option('--quiet', 'no progress on stderr')
    .option('--json', 'print the summary as JSON instead of the table')
    .addHelpText(
      'after',
      `
Examples:
  bench run --matrix                       the built-in quick matrix (or ./bench.matrix.yaml)
  bench run --matrix homework              a built-in matrix by name
  bench run --matrix my.yaml --rounds 20   a matrix of your own, 20 rounds
  bench run --resume results/runs/20260101-120000-quick

Ends with 0 when every trial completed, 5 when some failed, 130 when interrupted; what was measured is always kept.`,
    )
    .action(async (options: Options) => {
      if (options.resume !== undefined && (options.matrix !== undefined || options.rounds || options.seed)) {
        throw new BenchError(
          'usage-resume',
          '--resume goes on with a plan that is fixed: no --matrix, --rounds or --seed',
          {
            hint: 'bench run --resume RUN',
          },
        );
      }
      const what =
        options.resume === undefined
          ? { matrixFile: findMatrix(options.matrix) }
          : { resume: await findRun(context.paths.runsDir, options.resume) };
      const finished = await runMatrix(
        { what, rounds: options.rounds, seed: options.seed, ...context },
        new Progress(context.terminal, options.quiet ?? false),
      );
      const { terminal } = context;
      if (options.json) {
        terminal.out(
          JSON.stringify({ run: finished.runFolder, report: finished.reportPath, summary: finished.summary }),
        );
      } else {
        terminal.out(renderAnswer(finished.summary, finished.plan, terminal));
        terminal.out(`report: ${finished.reportPath}`);
      }
      const interrupted = context.signal.aborted;
      if (interrupted) terminal.err(`interrupted; go on with: bench run --resume ${finished.runFolder}\n`);
      context.exit(exitCodeOfRun(finished.summary.counts, interrupted));
    });
};
