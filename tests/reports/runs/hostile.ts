import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixtureArms } from './arms.ts';
import { makeRun, type FixtureRun } from './make-run.ts';
import { writeRun } from './write-fixtures.ts';
import { fixtureWorkloads } from './workloads.ts';

/** A run folder as a stranger could send it. */
export interface HostileRun {
  name: string;
  /** 'page': shown as text. 'refused': an error that says which file and why. */
  expect: 'page' | 'refused';
  write(folder: string): Promise<void>;
}

const small = {
  rounds: 3,
  arms: fixtureArms.slice(0, 3),
  workloads: fixtureWorkloads.filter(({ planned }) => ['cpu', 'net'].includes(planned.id)),
  fates: { 'r1-container.net': 'failed' as const },
  voided: [2],
};

/** Every text of a run replaced by one that means harm; ids stay apart by their number. */
export function poisoned(text: string): FixtureRun {
  const run = makeRun(small);
  const arms = new Map(run.plan.arms.map((arm, i) => [arm.id, `${text}${i}`]));
  const workloads = new Map(run.plan.workloads.map((workload, i) => [workload.id, `${i}${text}`]));
  const cells = new Map(run.plan.cells.map((cell, i) => [cell.id, `${text}#${i}`]));
  const metrics = (name: string): string => `${text}${name}`;
  return {
    plan: {
      ...run.plan,
      runId: text,
      name: text,
      title: text,
      command: text,
      seed: text,
      hash: text,
      tareVersion: text,
      baseline: arms.get(run.plan.baseline)!,
      arms: run.plan.arms.map((arm) => ({
        ...arm,
        id: arms.get(arm.id)!,
        label: text,
        runtime: text,
        options: { [text]: text },
        caveats: [text],
      })),
      workloads: run.plan.workloads.map((workload) => ({
        ...workload,
        id: workloads.get(workload.id)!,
        label: text,
        workload: text,
        options: { [text]: text },
        caveats: [text],
        published: [text],
        metrics: workload.metrics.map((metric) => ({
          ...metric,
          name: metrics(metric.name),
          title: text,
          unit: text,
        })),
      })),
      cells: run.plan.cells.map((cell) => ({
        id: cells.get(cell.id)!,
        arm: arms.get(cell.arm)!,
        workload: workloads.get(cell.workload)!,
      })),
      order: run.plan.order.map((round) => round.map((id) => cells.get(id)!)),
      image: { digest: text, suite: text, packages: { [text]: text } },
    },
    host: {
      ...run.host,
      before: { ...run.host.before, fingerprint: text, system: { cpuModel: text, [text]: text } },
      tools: { [text]: text },
      accelerator: { asked: text, got: text, reason: text },
    },
    trials: run.trials.map((trial) => ({
      ...trial,
      trial: `${text}${trial.trial}`,
      cell: cells.get(trial.cell)!,
      arm: arms.get(trial.arm)!,
      workload: workloads.get(trial.workload)!,
      outcome:
        trial.outcome.status === 'completed'
          ? {
              ...trial.outcome,
              samples: trial.outcome.samples.map((one) => ({
                ...one,
                metric: metrics(one.metric),
                unit: text,
              })),
            }
          : trial.outcome.status === 'invalid'
            ? { ...trial.outcome, reasons: [text] }
            : trial.outcome.status === 'failed'
              ? { ...trial.outcome, message: text, code: text, hint: text, log: text }
              : trial.outcome,
      inside: trial.inside && { ...trial.inside, cpuModel: text, kernel: text, tools: { [text]: text } },
      facts: { [text]: text },
    })),
    matrixText: text,
  };
}

const harmful: Record<string, string> = {
  'a script': '<script>window.pwned = 1; alert(1)</script>',
  'an image with a handler': '"><img src=x onerror="window.pwned=1">',
  'a way out of style and script': '</style></script></svg></title><script>window.pwned=1</script>',
  'a template': '{{#each x}}{{{constructor.constructor "window.pwned=1"}}}{{/each}}',
  'an address that is code': 'javascript:window.pwned=1//http://198.18.0.1/x.js',
  'quotes of all kinds': '\'"`\\ autofocus onfocus=window.pwned=1 x=',
  'marks that turn the direction of writing': 'safe\u202etxt.exe\u202c\u2066\u2069\u200f',
  'control characters': 'a\u0007\u001b[31mb\u0085\u2028c',
  'a label of ten kilobytes': 'W'.repeat(10_000),
  'a wall of combining marks': 'Z' + '\u0353\u0361\u0322'.repeat(800),
  'a path out of the folder': '../../../../etc/passwd',
  'names of an object’s own': '__proto__',
  'an expression of the charts': "'+(datum.constructor.constructor('window.pwned=1')())+'",
  'an SVG entity':
    '&#x3c;script&#x3e;window.pwned=1&#x3c;/script&#x3e;<![CDATA[<svg onload=window.pwned=1>]]>',
  'a comment that swallows': '<!--<script>--!>',
};

/** Numbers that are allowed by the schema and unkind to a picture. */
function withValues(values: number[]): FixtureRun {
  const run = makeRun(small);
  let i = 0;
  return {
    ...run,
    trials: run.trials.map((trial) =>
      trial.outcome.status === 'completed'
        ? {
            ...trial,
            offsetMs: values[i % values.length]!,
            outcome: {
              ...trial.outcome,
              samples: trial.outcome.samples.map((one) => ({ ...one, value: values[i++ % values.length]! })),
            },
          }
        : trial,
    ),
  };
}

async function withLine(folder: string, edit: (line: string) => string): Promise<void> {
  const run = makeRun(small);
  await writeRun(folder, run);
  const lines = run.trials.map((trial, i) => (i === 3 ? edit(JSON.stringify(trial)) : JSON.stringify(trial)));
  await writeFile(join(folder, 'trials.jsonl'), lines.join('\n') + '\n');
}

export const hostileRuns: readonly HostileRun[] = [
  ...Object.entries(harmful).map(([name, text]): HostileRun => ({
    name,
    expect: 'page',
    write: (folder) => writeRun(folder, poisoned(text)),
  })),
  {
    name: 'values at the ends of what a number can be',
    expect: 'page',
    write: (folder) => writeRun(folder, withValues([1e308, 5e-324, 1e-300, 1, 1.7e308])),
  },
  {
    name: 'zeros and negative values',
    expect: 'page',
    write: (folder) => writeRun(folder, withValues([0, -1, 0, -1e9, 3])),
  },
  { name: 'all values the same', expect: 'page', write: (folder) => writeRun(folder, withValues([7])) },
  {
    name: 'a thousand million rounds claimed',
    expect: 'page',
    write: (folder) => {
      const run = makeRun(small);
      return writeRun(folder, {
        ...run,
        plan: { ...run.plan, rounds: 1_000_000_000 },
        trials: run.trials.map((trial, i) => (i === 5 ? { ...trial, round: 999_999_999 } : trial)),
      });
    },
  },
  {
    name: 'NaN as a value',
    expect: 'refused',
    write: (folder) => withLine(folder, (line) => line.replace(/"value":[\d.]+/, '"value":NaN')),
  },
  {
    name: 'a number too large to be one',
    expect: 'refused',
    write: (folder) => withLine(folder, (line) => line.replace(/"value":[\d.]+/, '"value":1e999')),
  },
  {
    name: 'a key that nobody asked for',
    expect: 'refused',
    write: (folder) => withLine(folder, (line) => line.replace('{', '{"constructor":{"prototype":{"x":1}},')),
  },
  {
    name: 'a trial of no planned cell',
    expect: 'refused',
    write: (folder) => withLine(folder, (line) => line.replace(/"cell":"[^"]*"/, '"cell":"other"')),
  },
  {
    name: 'trials that are a symbolic link out of the folder',
    expect: 'refused',
    write: async (folder) => {
      const run = makeRun(small);
      await writeRun(folder, { ...run, trials: [] });
      const { rm } = await import('node:fs/promises');
      await rm(join(folder, 'trials.jsonl'));
      await symlink('/etc/passwd', join(folder, 'trials.jsonl'));
    },
  },
  {
    name: 'a plan that is a folder',
    expect: 'refused',
    write: async (folder) => {
      await mkdir(join(folder, 'plan.json'), { recursive: true });
    },
  },
];
