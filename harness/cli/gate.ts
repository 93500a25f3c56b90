import { existsSync } from 'node:fs';
import { Option } from 'commander';
import { BenchError } from '../../results/bench-error.ts';
import type { GateRecord } from '../../results/record/gate.ts';
import type { GateConfig } from '../gate/gate-config.ts';
import { EXIT } from './exit-code.ts';
import { Progress } from './progress.ts';
import type { Verb, VerbContext } from './verb.ts';

interface Options {
  reference: string;
  candidate: string;
  matrix?: string | true;
  run?: string;
  config?: string;
  seed?: string;
  onInconclusive?: GateConfig['onInconclusive'];
  evenIfNotComparable?: boolean;
  junit?: string;
  markdown?: string;
  github?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const DEFAULT_CONFIG = 'bench.gate.yaml';

export const gate: Verb = (program, context) => {
  program
    .command('gate')
    .description('decide: did the candidate get worse than the reference, by more than is tolerated?')
    .requiredOption('--reference <which>', 'what it was: an arm of the matrix or run, else a finished run')
    .requiredOption('--candidate <which>', 'what it is now: an arm, else a finished run')
    .option(
      '--matrix [file|name]',
      'measure both arms now, interleaved in one job, until the gate has its answer',
    )
    .option('--run <run>', 'judge two arms of a finished run')
    .option(
      '--config <file>',
      `tolerances, budgets, looks (default: ${DEFAULT_CONFIG} here, if there is one)`,
    )
    .option('--seed <text>', 'seed of the order, with --matrix')
    .addOption(
      new Option(
        '--on-inconclusive <what>',
        'how an inconclusive gate ends: exit 3, 1, 0, or 0 with a warning',
      ).choices(['inconclusive', 'fail', 'pass', 'warn']),
    )
    .option(
      '--even-if-not-comparable',
      'judge although machine, tools or options differ; it is said in the answer',
    )
    .option('--junit <file>', 'write JUnit XML')
    .option('--markdown <file>', 'append a Markdown summary, e.g. to "$GITHUB_STEP_SUMMARY"')
    .option('--github', 'print GitHub annotations')
    .option('--quiet', 'no progress on stderr')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Examples:
  bench gate --matrix my.yaml --reference old --candidate new     two arms, interleaved in one job
  bench gate --run latest --reference native --candidate container
  bench gate --reference RUN_A --candidate RUN_B                  two finished runs of one machine

Ends with 0 passed, 1 failed, 3 inconclusive, 4 not comparable.`,
    )
    .action(async (options: Options) => {
      const { loadGateConfig } = await import('../gate/gate-config.ts');
      const config = await loadGateConfig(
        options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : null),
      );
      const answer = await decide(options, config, context);
      await print(answer, options, context);
      const onInconclusive = options.onInconclusive ?? config.onInconclusive;
      if (answer.answer === 'inconclusive' && onInconclusive === 'warn')
        context.terminal.err(`bench: warning: the gate is inconclusive, and was told to let that pass\n`);
      context.exit(context.signal.aborted ? EXIT.interrupted : exitCodeOfGate(answer.answer, onInconclusive));
    });
};

async function decide(options: Options, config: GateConfig, context: VerbContext): Promise<GateRecord> {
  const { reference, candidate, matrix, run } = options;
  const rules = { config, evenIfNotComparable: options.evenIfNotComparable ?? false };
  if (reference === candidate)
    throw new BenchError('usage-gate', `reference and candidate are the same, "${reference}"`, {
      hint: 'the gate has an A/A control of its own',
    });
  if (matrix !== undefined && run !== undefined)
    throw new BenchError(
      'usage-gate',
      '--matrix measures now and --run judges what was measured: only one of them',
    );
  if (matrix !== undefined) {
    const { findMatrix } = await import('../run/find-matrix.ts');
    const { gateInterleaved } = await import('../gate/interleaved-gate.ts');
    const { paths, catalog, signal, terminal } = context;
    const matrixFile = findMatrix(matrix);
    const request = { reference, candidate, matrixFile, seed: options.seed, paths, catalog, signal };
    return gateInterleaved(request, rules, new Progress(terminal, options.quiet ?? false));
  }
  const { findRun } = await import('../run/find-run.ts');
  const { readRun } = await import('../../results/store/read-run.ts');
  const { gateOneRun, gateTwoRuns } = await import('../gate/stored-gate.ts');
  const read = async (named: string): ReturnType<typeof readRun> =>
    readRun(await findRun(context.paths.runsDir, named));
  if (run !== undefined)
    return gateOneRun(await read(run), { reference, candidate }, { ...rules, look: 1, looks: 1 });
  return gateTwoRuns(await read(reference), await read(candidate), rules);
}

async function print(answer: GateRecord, options: Options, { terminal }: VerbContext): Promise<void> {
  const { appendFile, writeFile } = await import('node:fs/promises');
  if (options.junit) await writeFile(options.junit, (await import('../gate/junit.ts')).junitOfGate(answer));
  if (options.markdown)
    await appendFile(options.markdown, (await import('../gate/markdown.ts')).markdownOfGate(answer));
  if (options.json) terminal.out(JSON.stringify(answer));
  else terminal.out((await import('../gate/render-text.ts')).renderGate(answer, terminal.width));
  if (!options.github) return;
  const lines = (await import('../gate/annotations.ts')).annotationsOfGate(answer).join('\n');
  // The runner reads both streams; JSON on stdout stays JSON.
  if (options.json) terminal.err(`${lines}\n`);
  else terminal.out(lines);
}

/** DESIGN's exit codes; an inconclusive gate has one of its own unless the user said how it is to end. */
export function exitCodeOfGate(
  answer: GateRecord['answer'],
  onInconclusive: GateConfig['onInconclusive'],
): number {
  if (answer === 'pass') return EXIT.done;
  if (answer === 'fail') return EXIT.gateFailed;
  if (onInconclusive === 'inconclusive') return EXIT.gateInconclusive;
  return onInconclusive === 'fail' ? EXIT.gateFailed : EXIT.done;
}
