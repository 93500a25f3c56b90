import { packageVersion } from '../../results/package-root.ts';
import { readRun } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { findImage } from '../../runtimes/image/ensure-image.ts';
import { renderReplication } from '../analyze/render-replication.ts';
import { replicateRun } from '../analyze/replicate.ts';
import { hostLimits } from '../host/limits.ts';
import { loadMatrix } from '../matrix/load-matrix.ts';
import { buildPlan } from '../plan/build-plan.ts';
import { chooseCpus } from '../plan/choose-cpus.ts';
import { secondsLeft, secondsPerCell } from '../plan/estimate.ts';
import { roundsNeeded, roundsNeededSentence } from '../plan/rounds-needed.ts';
import { newestRun } from '../run/earlier-run.ts';
import { findMatrix } from '../run/find-matrix.ts';
import { findRun } from '../run/find-run.ts';
import { wholeNumber } from './parse-option.ts';
import { roughly } from './progress.ts';
import type { Verb } from './verb.ts';

interface Options {
  matrix?: string | true;
  rounds?: number;
  seed?: string;
  from?: string;
  json?: boolean;
}

export const plan: Verb = (program, context) => {
  program
    .command('plan')
    .description('show what a matrix would run: cells, order, time estimate; runs nothing')
    .option('--matrix [file|name]', 'matrix file or built-in name (default: as for bench run)')
    .option('--rounds <n>', 'rounds, instead of what the matrix says', wholeNumber(1, 10_000))
    .option('--seed <text>', 'seed of the order')
    .option(
      '--from <run>',
      'the run that says how long trials take and how often to repeat (default: the newest)',
    )
    .option('--json', 'print the plan as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bench plan --matrix homework\n  bench plan --matrix my.yaml --seed 7 --json\n  bench plan --matrix my.yaml --from 20260101-120000-pilot',
    )
    .action(async (options: Options) => {
      const { catalog, paths, terminal } = context;
      const matrix = await loadMatrix(findMatrix(options.matrix), catalog, hostLimits());
      const seed = options.seed ?? matrix.seed;
      const planned = buildPlan({
        matrix,
        catalog,
        runId: 'preview',
        seed: seed ?? 'preview',
        createdAt: new Date().toISOString(),
        command: `bench plan --matrix ${matrix.name}`,
        tareVersion: packageVersion(),
        cpus: chooseCpus(hostLimits().cpus, matrix.resources.cpus, matrix.resources.cpuset),
        image: (await findImage(paths.cacheDir)) ?? null,
        prepared: new Map(),
        rounds: options.rounds,
      });
      const earlier =
        options.from === undefined
          ? await newestRun(paths.runsDir)
          : await readRun(await findRun(paths.runsDir, options.from));
      const seconds = secondsLeft(planned, secondsPerCell(planned, earlier?.trials ?? []), new Set());
      const needed = earlier ? roundsNeeded(planned, summarize(earlier)) : [];
      const replication =
        options.from !== undefined && earlier
          ? replicateRun(earlier, {
              ...{ precision: planned.policy.margin, confidence: planned.policy.confidence },
              ...{ levels: null, costs: null },
            })
          : null;
      if (options.json) {
        const learned = { roundsNeeded: needed, ...(replication && { replication }) };
        terminal.out(JSON.stringify({ ...planned, estimateSeconds: Math.round(seconds), ...learned }));
        return;
      }
      terminal.out(`${planned.title} (${matrix.path})`);
      terminal.out(
        `${planned.cells.length} cells × ${planned.rounds} rounds = ${planned.cells.length * planned.rounds} trials, about ${roughly(seconds)}; ` +
          `${planned.resources.cpus} CPU (host CPU ${planned.resources.cpuset.join(', ')}), ${planned.resources.memoryMiB} MiB each; baseline ${planned.baseline}`,
      );
      for (const arm of planned.arms) terminal.out(`  arm       ${arm.id}: ${arm.label}`);
      for (const workload of planned.workloads) terminal.out(`  workload  ${workload.id}: ${workload.label}`);
      const enough = roundsNeededSentence(planned, needed);
      if (enough) terminal.out(enough);
      if (replication) terminal.out(`${renderReplication(replication, terminal.width)}\n`);
      terminal.out(
        seed === undefined ? 'order, for example (each run draws its own seed):' : `order (seed ${seed}):`,
      );
      for (const [round, order] of planned.order.slice(0, planned.rounds).entries()) {
        terminal.out(`  round ${round + 1}: ${order.join(' ')}`);
      }
    });
};
