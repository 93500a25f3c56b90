import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { defaultMinimum } from '../../results/statistics/stopping.ts';
import type { Catalog } from '../catalog.ts';
import { MATRIX_DEFAULTS } from './defaults.ts';
import { combinations } from './expand-axes.ts';
import type { Matrix, MatrixArm, MatrixWorkload } from './matrix.ts';
import { matrixError, type Problem } from './problem.ts';
import { matrixFileSchema, type MatrixFile } from './schema.ts';
import { check } from './schema-problems.ts';
import { parsePositioned } from './yaml-position.ts';

/** What the machine can give, for the check of resources. */
export interface HostLimits {
  /** Ids of the CPUs this process may use. */
  cpus: number[];
  memoryMiB: number;
}

/**
 * Reads, checks and expands a matrix file.
 * @throws BenchError `matrix-unreadable`; `matrix-invalid` with one line per problem: file:line:col, what was found, what
 *   was expected, and the nearest valid word.
 */
export async function loadMatrix(file: string, catalog: Catalog, host: HostLimits): Promise<Matrix> {
  const path = resolve(file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BenchError('matrix-unreadable', `cannot read the matrix file ${file}`, {
      hint: 'bench list shows the built-in matrices',
      cause,
    });
  });
  return parseMatrix(text, path, catalog, host);
}

/** As loadMatrix, on a text; `path` is for messages and for the default name. Pure. */
export function parseMatrix(text: string, path: string, catalog: Catalog, host: HostLimits): Matrix {
  const shown = relative(process.cwd(), path).startsWith('..') ? path : relative(process.cwd(), path);
  const yaml = parsePositioned(text);
  const syntax = yaml.errors[0];
  if (syntax) throw matrixError(shown, [{ path: [], message: syntax.message }], () => syntax.at);
  const fail = (problems: Problem[]): never => {
    throw matrixError(shown, problems, (problem) => yaml.locate(problem.path, problem.atKey));
  };
  const checked = check(matrixFileSchema, yaml.value ?? {});
  if (checked.problems) return fail(checked.problems);
  const file = checked.value;
  const problems: Problem[] = [];

  const arms = expandArms(file, dirname(path), catalog, problems);
  const workloads = expandWorkloads(file, catalog, problems);
  if (Object.keys(file.runtimes).length === 0)
    problems.push({ path: ['runtimes'], message: 'no runtimes: the matrix has zero cells' });
  if (Object.keys(file.workloads).length === 0)
    problems.push({ path: ['workloads'], message: 'no workloads: the matrix has zero cells' });
  for (const [where, list] of [
    ['runtimes', arms],
    ['workloads', workloads],
  ] as const) {
    const seen = new Set<string>();
    for (const { id } of list) {
      if (seen.has(id))
        problems.push({ path: [where], message: `two ${where} expand to the same id "${id}"` });
      seen.add(id);
    }
  }
  const baseline = file.baseline ?? arms[0]?.id ?? '';
  if (file.baseline !== undefined && !arms.some((arm) => arm.id === file.baseline)) {
    problems.push({
      path: ['baseline'],
      message: `baseline "${file.baseline}" is no runtime of this matrix`,
      given: file.baseline,
      valid: arms.map((arm) => arm.id),
    });
  }
  const resources = checkResources(file, host, problems);
  const control = file.control ? addControl(arms, baseline, problems) : undefined;
  const trials = trialRules(file, problems);
  if (problems.length > 0) return fail(problems);

  const name =
    file.name ??
    basename(path, extname(path))
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-');
  const policy = file.policy ?? matrixFileSchema.shape.policy.unwrap().parse({});
  return {
    name,
    title: file.title ?? name,
    path,
    text,
    baseline,
    seed: file.seed === undefined ? undefined : String(file.seed),
    resources,
    arms,
    workloads,
    control,
    trials,
    policy: {
      margin: policy.margin,
      confidence: policy.confidence,
      maxStealShare: policy.maxSteal,
      maxForeignCpuShare: policy.maxForeignCpu,
      maxRunQueue: policy.maxRunQueue,
      maxThermalEvents: policy.maxThermalEvents,
      maxThrottledShare: policy.maxThrottled,
      maxClockDrift: policy.maxClockDrift,
      refuseParityMismatch: policy.refuseParityMismatch,
    },
  };
}

/** The A/A arm: the baseline again under another name, so that its "overhead" is what this run takes for noise. */
function addControl(arms: MatrixArm[], baseline: string, problems: Problem[]): string | undefined {
  const original = arms.find((arm) => arm.id === baseline);
  if (!original) return undefined;
  const id = `${baseline}-control`;
  if (arms.some((arm) => arm.id === id)) {
    problems.push({
      path: ['control'],
      message: `control needs the name "${id}", which a runtime of this matrix has`,
    });
  }
  arms.push({ ...original, id, label: `${original.label} (A/A control)` });
  return id;
}

function trialRules(file: MatrixFile, problems: Problem[]): Matrix['trials'] {
  const { rounds, min, max, precision, budget, spare, timeout } = file.trials ?? {
    timeout: MATRIX_DEFAULTS.trialTimeoutS,
  };
  const adaptive = min !== undefined || max !== undefined || precision !== undefined || budget !== undefined;
  if (adaptive && rounds !== undefined) {
    problems.push({
      path: ['trials', 'rounds'],
      atKey: true,
      message:
        'trials.rounds fixes the number of rounds; it cannot stand beside min, max, precision or budget',
    });
  }
  const most = rounds ?? max ?? (adaptive ? MATRIX_DEFAULTS.maxRounds : MATRIX_DEFAULTS.rounds);
  const least = min ?? defaultMinimum(most);
  if (least > most) {
    problems.push({
      path: ['trials', 'min'],
      message: `trials.min is ${least}, but the run ends after ${most} rounds`,
    });
  }
  const stopping = {
    min: least,
    max: most,
    precision: precision ?? file.policy?.margin ?? MATRIX_DEFAULTS.margin,
    budgetMs: budget ?? null,
  };
  return {
    rounds: most,
    spare: spare ?? Math.ceil(most * MATRIX_DEFAULTS.spareShare),
    timeoutS: timeout,
    stopping: adaptive ? stopping : undefined,
  };
}

/** @param folder of the matrix file: what relative paths in options are relative to. */
function expandArms(file: MatrixFile, folder: string, catalog: Catalog, problems: Problem[]): MatrixArm[] {
  return Object.entries(file.runtimes).flatMap(([id, entry]) => {
    const member = findMember(catalog.runtimes, entry?.runtime, id, ['runtimes', id], 'runtime', problems);
    if (!member) return [];
    return combinations(entry?.axes).flatMap(({ suffix, options }) => {
      const checked = check(member.optionsSchema, { ...entry?.options, ...options }, [
        'runtimes',
        id,
        'options',
      ]);
      if (checked.problems) {
        problems.push(...checked.problems);
        return [];
      }
      const resolved = member.resolvePaths?.(checked.value, folder) ?? checked.value;
      const label = entry?.label ? entry.label + suffix.replaceAll('-', ' ') : member.label(resolved);
      return [{ id: id + suffix, runtime: member.id, label, options: resolved as Record<string, unknown> }];
    });
  });
}

function expandWorkloads(file: MatrixFile, catalog: Catalog, problems: Problem[]): MatrixWorkload[] {
  return Object.entries(file.workloads).flatMap(([id, entry]) => {
    const member = findMember(
      catalog.workloads,
      entry?.workload,
      id,
      ['workloads', id],
      'workload',
      problems,
    );
    if (!member) return [];
    return combinations(entry?.axes).flatMap(({ suffix, options }) => {
      const checked = check(member.optionsSchema, { ...entry?.options, ...options }, [
        'workloads',
        id,
        'options',
      ]);
      if (checked.problems) {
        problems.push(...checked.problems);
        return [];
      }
      const label = entry?.label
        ? entry.label + suffix.replaceAll('-', ' ')
        : member.describe(checked.value).label;
      const published = entry?.published ?? [];
      return [
        {
          id: id + suffix,
          workload: member.id,
          label,
          options: checked.value as Record<string, unknown>,
          published,
        },
      ];
    });
  });
}

function findMember<Member extends { id: string }>(
  members: readonly Member[],
  named: string | undefined,
  id: string,
  path: PropertyKey[],
  kind: 'runtime' | 'workload',
  problems: Problem[],
): Member | undefined {
  const wanted = named ?? id;
  const member = members.find((candidate) => candidate.id === wanted);
  if (!member) {
    problems.push({
      path: named === undefined ? path : [...path, kind],
      atKey: named === undefined,
      message: `unknown ${kind} "${wanted}"`,
      given: wanted,
      valid: members.map((candidate) => candidate.id),
    });
  }
  return member;
}

function checkResources(file: MatrixFile, host: HostLimits, problems: Problem[]): Matrix['resources'] {
  const { cpus, memory, cpuset } = file.resources ?? {
    cpus: MATRIX_DEFAULTS.cpus,
    memory: MATRIX_DEFAULTS.memoryMiB,
    cpuset: undefined,
  };
  if (cpus > host.cpus.length) {
    problems.push({
      path: ['resources', 'cpus'],
      message: `resources.cpus is ${cpus}, but this machine has ${host.cpus.length} usable CPUs`,
    });
  }
  const strange = cpuset?.filter((cpu) => !host.cpus.includes(cpu)) ?? [];
  if (strange.length > 0) {
    problems.push({
      path: ['resources', 'cpuset'],
      message: `resources.cpuset names CPU ${strange.join(', ')}, but this machine has ${host.cpus.join(', ')}`,
    });
  } else if (cpuset && cpuset.length !== cpus) {
    problems.push({
      path: ['resources', 'cpuset'],
      message: `resources.cpuset has ${cpuset.length} CPUs, but resources.cpus is ${cpus}`,
    });
  }
  if (memory > host.memoryMiB) {
    problems.push({
      path: ['resources', 'memory'],
      message: `resources.memory is ${memory} MiB, but this machine has ${host.memoryMiB} MiB`,
    });
  }
  return { cpus, memoryMiB: memory, cpuset };
}
