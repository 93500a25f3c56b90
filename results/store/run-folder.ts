import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { BenchError } from '../bench-error.ts';
import { gateSchema, type GateRecord } from '../record/gate.ts';
import { hostRecordSchema, type HostRecord } from '../record/host.ts';
import { planSchema, type Plan } from '../record/plan.ts';
import { summarySchema, type Summary } from '../record/summary.ts';
import { writeAtomically } from './atomic-file.ts';
import { Journal } from './journal.ts';

/** Names inside a run's folder. */
export const RUN_FILES = {
  matrix: 'matrix.yaml',
  plan: 'plan.json',
  host: 'host.json',
  trials: 'trials.jsonl',
  gate: 'gate.json',
  logs: 'logs',
  summary: 'summary.json',
  report: 'report.html',
} as const;

/**
 * The folder of one run, for whoever writes it. Documents are written whole or not at all; trials go through `journal()`.
 * Reading is `readRun` in read-run.ts.
 *
 *   const folder = await RunFolder.create('results/runs', plan, matrixText);
 *   await folder.writeHost(host);
 *   const journal = await folder.journal();
 *   await journal.append(trial);        // once per trial
 *   await journal.close();
 *   await folder.writeSummary(summarize(await readRun(folder.path)));
 */
export class RunFolder {
  private constructor(readonly path: string) {}

  /** Makes `<runsDir>/<plan.runId>` with matrix.yaml and plan.json in it. `run-exists` when there is one already. */
  static async create(runsDir: string, plan: Plan, matrixText: string): Promise<RunFolder> {
    const path = join(resolve(runsDir), plainName(plan.runId));
    await mkdir(resolve(runsDir), { recursive: true });
    try {
      await mkdir(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
        throw new BenchError('run-exists', `${path} exists already`, {
          hint: `bench run --resume ${plan.runId}`,
          cause,
        });
      throw cause;
    }
    const folder = new RunFolder(path);
    await mkdir(folder.file('logs'));
    await writeAtomically(folder.file('matrix'), matrixText);
    await folder.writePlan(plan);
    return folder;
  }

  /** An existing run's folder, to be continued or summarised again. `not-a-run` when it has no plan.json. */
  static async open(path: string): Promise<RunFolder> {
    const folder = new RunFolder(await realpath(path).catch(() => resolve(path)));
    try {
      await readFile(folder.file('plan'));
    } catch (cause) {
      throw new BenchError('not-a-run', `${path} holds no run: there is no ${RUN_FILES.plan} in it`, {
        cause,
        hint: 'bench list shows the runs',
      });
    }
    return folder;
  }

  /** Absolute path of one of the run's files. */
  file(which: keyof typeof RUN_FILES): string {
    return join(this.path, RUN_FILES[which]);
  }

  /** The folder of a trial's logs, made on first use. The path for the record is relative: `logs/<trial>/…`. */
  async logDir(trial: string): Promise<string> {
    const path = join(this.file('logs'), plainName(trial));
    await mkdir(path, { recursive: true });
    return path;
  }

  async writePlan(plan: Plan): Promise<void> {
    await writeAtomically(this.file('plan'), pretty(planSchema.parse(plan)));
  }

  async writeHost(host: HostRecord): Promise<void> {
    await writeAtomically(this.file('host'), pretty(hostRecordSchema.parse(host)));
  }

  /** What the gate said at its latest look; a run that it ended has no more trials to come. */
  async writeGate(gate: GateRecord): Promise<void> {
    await writeAtomically(this.file('gate'), pretty(gateSchema.parse(gate)));
  }

  async writeSummary(summary: Summary): Promise<void> {
    await writeAtomically(this.file('summary'), pretty(summarySchema.parse(summary)));
  }

  async writeReport(html: string): Promise<void> {
    await writeAtomically(this.file('report'), html);
  }

  journal(): Promise<Journal> {
    return Journal.open(this.file('trials'));
  }
}

/** A name that is one path component and nothing else; ids come from files that users write. */
function plainName(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes(sep) || name.includes('\0'))
    throw new BenchError('bad-name', `'${name}' cannot be the name of a folder`);
  return name;
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 1) + '\n';
}
