import { execa } from 'execa';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagePath } from '../../results/package-root.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { readRun } from '../../results/store/read-run.ts';

/**
 * `npm run bench:overhead`: what the harness itself costs, on real runs. Prints a table of claims against bars:
 * the harness's CPU share inside timed windows, the time from start to the first trial, and the share of wall time spent
 * measuring, for a matrix without VMs and for one with emulated VMs.
 */
const ROUNDS = 6;

interface Claim {
  what: string;
  figure: string;
  bar: string;
  met: boolean;
}

const box = 'native:\n  container:';
const claims = [
  ...(await claimsOf('containers only, 5 s trials', box, 5, 0.95)),
  ...(await claimsOf('with VMs, 5 s trials', `${box}\n  vm: { runtime: qemu }`, 5, 0.6)),
];
const width = Math.max(...claims.map((claim) => claim.what.length));
for (const claim of claims) {
  console.log(
    `${claim.what.padEnd(width)}  ${claim.figure.padStart(9)}  bar ${claim.bar.padEnd(9)}  ${claim.met ? 'met' : 'NOT MET'}`,
  );
}
process.exitCode = claims.every((claim) => claim.met) ? 0 : 1;

async function claimsOf(
  name: string,
  runtimes: string,
  seconds: number,
  measuringBar: number,
): Promise<Claim[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tare-overhead-'));
  try {
    const matrix = join(folder, 'overhead.yaml');
    writeFileSync(
      matrix,
      `runtimes:\n  ${runtimes}\nworkloads:\n  cpu: { workload: sysbench-cpu, options: { seconds: ${seconds} } }\ntrials: { rounds: ${ROUNDS}, spare: 0 }\n`,
    );
    const startedAt = Date.now();
    const done = await execa(
      'node',
      [packagePath('dist/bench.mjs'), 'run', '--matrix', matrix, '--quiet', '--json'],
      {
        cwd: folder,
        reject: false,
        stderr: 'inherit',
      },
    );
    const { run } = JSON.parse(String(done.stdout)) as { run: string };
    const { trials } = await readRun(run);
    return [
      harnessShare(name, trials),
      firstTrial(name, trials, startedAt),
      measuringShare(name, trials, measuringBar),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function harnessShare(name: string, trials: TrialRecord[]): Claim {
  const shares = trials.flatMap(({ disturbance }) =>
    disturbance ? [disturbance.harnessCpuMs / disturbance.windowMs] : [],
  );
  const worst = Math.max(...shares);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return {
    what: `${name}: harness CPU inside timed windows (worst ${percent(worst)})`,
    figure: percent(mean),
    bar: '< 0.2 %',
    met: mean < 0.002,
  };
}

function firstTrial(name: string, trials: TrialRecord[], startedAt: number): Claim {
  const seconds = (Math.min(...trials.map((trial) => Date.parse(trial.startedAt))) - startedAt) / 1000;
  return {
    what: `${name}: start to first trial`,
    figure: `${seconds.toFixed(1)} s`,
    bar: '< 5 s',
    met: seconds < 5,
  };
}

/** Timed windows over the wall time from the first trial's start to the last one's end. */
function measuringShare(name: string, trials: TrialRecord[], bar: number): Claim {
  const begin = Math.min(...trials.map((trial) => trial.offsetMs));
  const end = Math.max(
    ...trials.map((trial) => trial.offsetMs + Object.values(trial.stepsMs).reduce((sum, ms) => sum + ms, 0)),
  );
  const measured = trials.reduce((sum, trial) => sum + (trial.stepsMs.run ?? 0), 0);
  const share = measured / (end - begin);
  return {
    what: `${name}: wall time spent measuring`,
    figure: percent(share),
    bar: `≥ ${bar * 100} %`,
    met: share >= bar,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
