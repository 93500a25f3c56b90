import { execa } from 'execa';
import { BenchError } from '../../results/bench-error.ts';
import type { Part } from '../../results/record/plan.ts';
import { requireExecutable } from '../parts/executable.ts';
import { sha256OfFile } from '../parts/identity.ts';
import { encodePlan } from './encode.ts';
import { ensureLauncher } from './ensure-launcher.ts';
import { OPS, type LaunchPlan, type OpName } from './ops.ts';
import { sealedLauncher } from './sealed-launcher.ts';

/** Neither answer takes more than reading 20 KiB; a program that is something else may wait for ever. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The launcher of an arm and which one it is. */
export interface ArmLauncher {
  /** What to execute: a copy in our memory (sealed-launcher.ts). */
  launcher: string;
  part: Part;
}

/**
 * The launcher that an arm's option names, or our own when it names none. Another build is believed only when it reads
 * the very plans that the arm will play, and means by every operation in them what we mean: an operation that this
 * arm does not use may differ or be missing, so that an older build can stand beside a newer one.
 *
 * @param plans plans of the kind the arm will play; their operations count, not their values.
 * @throws BenchError `arm-file-…` (see requireExecutable), `launcher-not-ours`, `launcher-version`.
 */
export async function armLauncher(
  option: string | undefined,
  plans: readonly LaunchPlan[],
  cacheDir: string,
): Promise<ArmLauncher> {
  const launcher = option ?? (await ensureLauncher(cacheDir));
  if (option !== undefined) await requireExecutable(option, 'launcher');
  const table = operationsOf(await ask(launcher, ['--operations']), launcher);
  if (option !== undefined) {
    refuseOtherFormat(launcher, (await ask(launcher, ['--check'], encodePlan([]))).trim());
    refuseOtherOperations(launcher, table, plans);
    for (const plan of plans)
      refuseOtherFormat(launcher, (await ask(launcher, ['--check'], encodePlan(plan))).trim());
  }
  return {
    launcher: await sealedLauncher(launcher),
    part: {
      path: launcher,
      version: `${table.size} operations`,
      sha256: await sha256OfFile(launcher),
      chosen: option !== undefined,
    },
  };
}

/** What a launcher prints of itself: operation → code and signature. @throws BenchError `launcher-not-ours`. */
export function operationsOf(text: string, launcher: string): Map<string, string> {
  const table = new Map<string, string>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [, code, name, signature = ''] = /^(\d+) ([a-z-]+) ([isbv]*)$/.exec(line) ?? [];
    if (code === undefined || name === undefined)
      throw notOurs(launcher, `it printed '${line.slice(0, 80)}'`);
    table.set(name, `${code} ${signature}`);
  }
  if (table.size === 0) throw notOurs(launcher, 'it printed no table of operations');
  return table;
}

/** @throws BenchError `launcher-version`, with every operation of the plans that it lacks or takes otherwise. */
export function refuseOtherOperations(
  launcher: string,
  table: ReadonlyMap<string, string>,
  plans: readonly LaunchPlan[],
): void {
  const used = [...new Set(plans.flat().map(({ op }) => op))].sort();
  const wrong = used.flatMap((name) => {
    const theirs = table.get(name);
    if (theirs === undefined) return [`it has no "${name}"`];
    return theirs === signatureOf(name)
      ? []
      : [`"${name}" is ${theirs} in it, and ${signatureOf(name)} here`];
  });
  if (wrong.length > 0)
    throw new BenchError(
      'launcher-version',
      `launcher: ${launcher} is of another version than this harness: ${wrong.join('; ')}`,
      { hint: 'build both launchers from sources with the same operations (runtimes/launch/c/ops.def)' },
    );
}

function refuseOtherFormat(launcher: string, answer: string): void {
  if (answer.startsWith('ok: ')) return;
  throw new BenchError(
    'launcher-version',
    `launcher: ${launcher} reads plans of another format than this harness writes (${answer || 'no answer'})`,
    { hint: 'build both launchers from sources with the same plan format (runtimes/launch/c/plan.c)' },
  );
}

function signatureOf(name: OpName): string {
  const { code, fields } = OPS[name];
  return `${code} ${Object.values(fields).join('')}`;
}

async function ask(launcher: string, args: string[], input?: Buffer): Promise<string> {
  const answer = await execa(launcher, args, {
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    reject: false,
    timeout: ANSWER_TIMEOUT_MS,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    extendEnv: false,
  });
  if (answer.exitCode === undefined || (answer.exitCode !== 0 && !answer.stdout.startsWith('refused: ')))
    throw notOurs(launcher, answer.stderr.trim().split('\n').at(-1) || answer.shortMessage || 'it failed');
  return answer.stdout;
}

function notOurs(launcher: string, why: string): BenchError {
  return new BenchError(
    'launcher-not-ours',
    `launcher: ${launcher} does not answer as our launcher does (${why.slice(0, 300)})`,
    { hint: 'a build of runtimes/launch/c: npm run build:launcher prints the path of the one in use' },
  );
}
