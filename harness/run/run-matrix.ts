import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { packagePath, packageVersion } from '../../results/package-root.ts';
import type { HostRecord } from '../../results/record/host.ts';
import type { Plan, Resources } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { readRun, type Run } from '../../results/store/read-run.ts';
import { RunFolder } from '../../results/store/run-folder.ts';
import { partInWords } from '../../results/summarize/arm-parts.ts';
import type { Image, Prepared, RuntimeContext } from '../../runtimes/contract.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { sweep } from '../../runtimes/sweep/sweep.ts';
import type { Catalog } from '../catalog.ts';
import { hostLimits } from '../host/limits.ts';
import { readMachine } from '../host/machine.ts';
import { quietWarnings } from '../host/quiet.ts';
import { readTools } from '../host/tools.ts';
import { loadMatrix } from '../matrix/load-matrix.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { buildPlan } from '../plan/build-plan.ts';
import { chooseCpus } from '../plan/choose-cpus.ts';
import { hostObserver, type Observer } from '../trial/observer.ts';
import { runSchedule, type ScheduleInputs, type Upcoming } from '../trial/scheduler.ts';
import { roundsNeeded, roundsNeededSentence } from '../plan/rounds-needed.ts';
import { claimScratch } from './claim.ts';
import { newestSummary } from './earlier-run.ts';
import type { Paths } from './paths.ts';
import { prepareArms, refuseIfNothingRuns, type ArmToPrepare } from './prepare-arms.ts';
import { writeReport, type Finished } from './write-report.ts';

export interface RunRequest {
  /** The matrix file, a matrix that was loaded already, or the run to go on with. */
  what: { matrixFile: string } | { matrix: Matrix } | { resume: string };
  rounds?: number;
  seed?: string;
  paths: Paths;
  catalog: Catalog;
  signal: AbortSignal;
  observer?: Observer;
  /** Arms without which the run is not worth beginning: one that can't be prepared ends it with its own error. */
  required?: readonly string[];
  /** Asked after each complete round; true ends the run there. */
  endAfter?: ScheduleInputs['endAfter'];
}

/** Who is told how the run goes on; nothing is called while a workload is timed. */
export interface RunListener {
  /** One line of status: what is being set up, what was swept. */
  say(line: string): void;
  planned(plan: Plan, runFolder: string, recorded: readonly TrialRecord[]): void;
  trialStarts(upcoming: Upcoming): void;
  trialEnded(record: TrialRecord, done: readonly TrialRecord[]): void;
}

/**
 * The main job: sweep what dead runs left, make the arms ready, write the plan, run every trial, then summary and
 * report. What was measured is kept whatever happens after it; an interrupt ends with a report of what there is.
 */
export async function runMatrix(request: RunRequest, listener: RunListener): Promise<Finished> {
  const { paths, catalog, signal } = request;
  for (const removed of await sweep()) listener.say(`swept: ${removed}`);
  const resumed = 'resume' in request.what ? await readRun(request.what.resume) : undefined;
  const matrix =
    'matrixFile' in request.what
      ? await loadMatrix(request.what.matrixFile, catalog, hostLimits())
      : 'matrix' in request.what
        ? request.what.matrix
        : undefined;
  const earlier = resumed ? undefined : await newestSummary(paths.runsDir);
  const arms: readonly ArmToPrepare[] = resumed?.plan.arms ?? matrix?.arms ?? [];

  await refuseIfNothingRuns(arms, catalog);

  const { owner, scratchDir, release } = await claimScratch(paths.scratchRoot);
  try {
    const resources = resumed?.plan.resources ?? resourcesOf(matrix as Matrix);
    const context: RuntimeContext = {
      owner,
      cacheDir: paths.cacheDir,
      scratchDir,
      resources,
      signal,
      log: listener.say,
    };
    const machineRead = readMachine(scratchDir);
    const toolsRead = readTools();
    // Awaited below; a failure before that must not become an unhandled rejection.
    machineRead.catch(() => undefined);
    toolsRead.catch(() => undefined);
    const image = await imageFor(arms, request, listener);
    const prepared = await prepareArms(arms, catalog, image, context);
    for (const id of request.required ?? []) {
      const ready = prepared.get(id);
      if (ready instanceof Error) throw ready;
    }
    const host: HostRecord = {
      schema: 'tare.host/1',
      before: await machineRead,
      after: null,
      tools: await toolsRead,
      accelerator: acceleratorOf(prepared),
    };
    if (signal.aborted) throw new BenchError('run-interrupted', 'interrupted before the first trial');
    const folder = resumed
      ? await reopen(resumed, host, image, prepared)
      : await begin(matrix as Matrix, request, image, prepared);
    const { plan, trials } = await readRun(folder.path);
    await folder.writeHost({ ...host, before: resumed?.host?.before ?? host.before });
    listener.planned(plan, folder.path, trials);
    const enough = earlier && roundsNeededSentence(plan, roundsNeeded(plan, earlier));
    if (enough) listener.say(enough);
    for (const [arm, ready] of prepared) {
      if (ready instanceof Error) listener.say(`${arm} cannot run: ${ready.message}`);
    }
    for (const warning of await quietWarnings(plan.resources.cpuset)) listener.say(`not quiet: ${warning}`);
    const journal = await folder.journal();
    try {
      await runSchedule({
        plan,
        catalog,
        prepared,
        recorded: trials,
        runFolder: folder.path,
        observer: request.observer ?? hostObserver,
        signal,
        append: (record) => journal.append(record),
        endAfter: request.endAfter,
        onLook: listener.say,
        onTrialStart: listener.trialStarts,
        onTrialEnd: listener.trialEnded,
      });
    } finally {
      await journal.close();
    }
    await folder.writeHost({
      ...host,
      before: resumed?.host?.before ?? host.before,
      after: await readMachine(scratchDir),
    });
    return await writeReport(folder.path);
  } finally {
    await release();
  }
}

/** The command that runs the same plan again; for a matrix of the user's own, in the folder that holds it. */
export function repeatCommand(matrix: Pick<Matrix, 'path' | 'name'>, seed: string, rounds?: number): string {
  const builtIn = dirname(matrix.path) === packagePath('matrices');
  const which = builtIn ? matrix.name : basename(matrix.path);
  return `bench run --matrix ${which} --seed ${seed}${rounds === undefined ? '' : ` --rounds ${rounds}`}`;
}

function resourcesOf({ resources: { cpus, memoryMiB, cpuset } }: Matrix): Resources {
  return { cpus, memoryMiB, ...chooseCpus(hostLimits().cpus, cpus, cpuset) };
}

async function imageFor(
  arms: readonly ArmToPrepare[],
  request: RunRequest,
  listener: RunListener,
): Promise<Image | Error | null> {
  const needed = arms.some((arm) => request.catalog.runtimes.find((r) => r.id === arm.runtime)?.needsImage);
  if (!needed) return null;
  try {
    return await ensureImage(request.paths.cacheDir, listener.say, request.signal);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function begin(
  matrix: Matrix,
  request: RunRequest,
  image: Image | Error | null,
  prepared: ReadonlyMap<string, Prepared | Error>,
): Promise<RunFolder> {
  const createdAt = new Date().toISOString();
  const seed = request.seed ?? matrix.seed ?? randomBytes(6).toString('hex');
  const ready = [...prepared].filter((entry): entry is [string, Prepared] => !(entry[1] instanceof Error));
  const runId = `${createdAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${matrix.name}`;
  const plan = buildPlan({
    matrix,
    catalog: request.catalog,
    runId,
    seed,
    createdAt,
    command: repeatCommand(matrix, seed, request.rounds),
    tareVersion: packageVersion(),
    cpus: resourcesOf(matrix),
    image: image instanceof Error ? null : image,
    prepared: new Map(ready),
    rounds: request.rounds,
  });
  return RunFolder.create(request.paths.runsDir, plan, matrix.text);
}

/** Opens a run to go on with it: only on the same machine, with the same image and the same kind of CPU. */
async function reopen(
  run: Run,
  host: HostRecord,
  image: Image | Error | null,
  prepared: ReadonlyMap<string, Prepared | Error>,
): Promise<RunFolder> {
  const refuse = (what: string): never => {
    throw new BenchError('resume-not-comparable', `${run.path} cannot be resumed here: ${what}`, {
      hint: 'trials of one run must be comparable; start a new run instead',
    });
  };
  if (run.gate && run.gate.answer !== 'inconclusive')
    throw new BenchError(
      'usage-resume',
      `${run.path} is at its end: a gate stopped it at look ${run.gate.look} of ${run.gate.looks} (${run.gate.answer})`,
      { hint: `start a new one: ${run.plan.command}` },
    );
  if (run.host && run.host.before.fingerprint !== host.before.fingerprint)
    refuse('it was begun on another machine');
  if (run.plan.image && !(image instanceof Error) && run.plan.image.digest !== image?.digest) {
    refuse('it was begun with another guest image');
  }
  for (const arm of run.plan.arms) {
    const ready = prepared.get(arm.id);
    if (!ready || ready instanceof Error) continue;
    if (ready.emulated !== arm.emulated)
      refuse(`${arm.id} was ${arm.emulated ? '' : 'not '}emulated when it was begun`);
    for (const [part, now] of Object.entries(ready.parts ?? {})) {
      const then = arm.parts?.[part];
      if (then && then.sha256 !== now.sha256)
        refuse(`${arm.id} was begun with another ${part}: ${partInWords(then)}, now ${partInWords(now)}`);
    }
  }
  return RunFolder.open(run.path);
}

function acceleratorOf(prepared: ReadonlyMap<string, Prepared | Error>): HostRecord['accelerator'] {
  for (const ready of prepared.values()) {
    if (!(ready instanceof Error) && ready.accelerator) return ready.accelerator;
  }
  return null;
}
