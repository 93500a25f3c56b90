import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BenchError } from '../bench-error.ts';
import { gateSchema, type GateRecord } from '../record/gate.ts';
import { hostRecordSchema, type HostRecord } from '../record/host.ts';
import { planSchema, type Plan } from '../record/plan.ts';
import { trialRecordSchema, type TrialRecord } from '../record/trial.ts';
import { MAX_DOCUMENT_BYTES, MAX_JOURNAL_BYTES, MAX_LINE_BYTES, MAX_MATRIX_BYTES } from './defaults.ts';
import { parseRecord, readGuardedText } from './guarded-file.ts';
import { readLineBatches, type Line } from './lines.ts';
import { quickCheck, type QuickCheck } from './quick-check.ts';
import { SharedParts } from './share.ts';
import { RUN_FILES } from './run-folder.ts';

/** A run as it lies on disk, every record checked against its schema. */
export interface Run {
  /** Absolute path of its folder. */
  path: string;
  plan: Plan;
  /** Null when the run ended before the machine was described. */
  host: HostRecord | null;
  /** In the order of the journal; of a trial that occurs twice (a resumed run) the last that was not aborted. */
  trials: TrialRecord[];
  /** What a gate said at its latest look at this run; absent when none looked while it ran. */
  gate?: GateRecord;
  /** matrix.yaml, verbatim; '' when the folder has none. */
  matrixText: string;
  /** What was forgiven: a truncated last line. */
  warnings: string[];
}

/**
 * Reads a run's folder. Refuses, with file and line: what is not JSON or does not fit its schema, newer schemas, symbolic
 * links, absurd sizes, a trial whose cell the plan does not have. Forgives exactly one thing: a last line of trials.jsonl
 * that was cut off, which becomes a warning.
 */
export async function readRun(path: string): Promise<Run> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory())
    throw new BenchError('not-a-run', `${path} is not a folder`, { hint: 'bench list shows the runs' });
  const planFile = join(folder, RUN_FILES.plan);
  const planText = await readGuardedText(planFile, MAX_DOCUMENT_BYTES).catch((cause: unknown) => {
    if (cause instanceof BenchError && cause.code === 'file-missing')
      throw new BenchError('not-a-run', `${path} holds no run: there is no ${RUN_FILES.plan} in it`, {
        cause,
        hint: 'bench list shows the runs',
      });
    throw cause;
  });
  const plan = parseRecord(planText, planSchema, 'plan', planFile);
  const hostFile = join(folder, RUN_FILES.host);
  const hostText = await optional(readGuardedText(hostFile, MAX_DOCUMENT_BYTES));
  const host = hostText === null ? null : parseRecord(hostText, hostRecordSchema, 'host', hostFile);
  const gateFile = join(folder, RUN_FILES.gate);
  const gateText = await optional(readGuardedText(gateFile, MAX_DOCUMENT_BYTES));
  const gate = gateText === null ? undefined : parseRecord(gateText, gateSchema, 'gate', gateFile);
  const matrixText =
    (await optional(readGuardedText(join(folder, RUN_FILES.matrix), MAX_MATRIX_BYTES))) ?? '';
  const warnings: string[] = [];
  const trials = await readTrials(join(folder, RUN_FILES.trials), plan, warnings);
  return { path: folder, plan, host, trials, ...(gate && { gate }), matrixText, warnings };
}

/** Made once, when a journal is first read. */
let trialFits: QuickCheck | undefined;

async function readTrials(path: string, plan: Plan, warnings: string[]): Promise<TrialRecord[]> {
  const cells = new Map(plan.cells.map((cell) => [cell.id, cell]));
  const byTrial = new Map<string, TrialRecord>();
  const shared = new SharedParts();
  trialFits ??= quickCheck(trialRecordSchema);
  const takeLine = ({ number, text, ended }: Line): void => {
    const place = `${path}:${number}`;
    let trial: TrialRecord;
    try {
      trial = parseRecord(text, trialRecordSchema, 'trial', place, trialFits);
    } catch (error) {
      if (ended || !(error instanceof BenchError) || error.code !== 'bad-json') throw error;
      warnings.push(`${place}: the last line was cut off and is left out`);
      return;
    }
    const cell = cells.get(trial.cell);
    if (!cell || cell.arm !== trial.arm || cell.workload !== trial.workload)
      throw new BenchError(
        'bad-record',
        `${place}: trial ${trial.trial} is of a cell that the plan does not have`,
      );
    shared.take(trial, cell);
    const earlier = byTrial.get(trial.trial);
    if (!earlier || trial.outcome.status !== 'aborted') {
      byTrial.delete(trial.trial);
      byTrial.set(trial.trial, trial);
    } else if (earlier.outcome.status === 'aborted') byTrial.set(trial.trial, trial);
  };
  try {
    for await (const lines of readLineBatches(path, MAX_JOURNAL_BYTES, MAX_LINE_BYTES))
      lines.forEach(takeLine);
  } catch (error) {
    if (error instanceof BenchError && error.code === 'file-missing') return [];
    throw error;
  }
  return [...byTrial.values()];
}

async function optional(text: Promise<string>): Promise<string | null> {
  try {
    return await text;
  } catch (error) {
    if (error instanceof BenchError && error.code === 'file-missing') return null;
    throw error;
  }
}
