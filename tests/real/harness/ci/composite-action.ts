import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';

/** What a step of a composite action may say; anything else is refused, so that the action cannot outgrow this runner. */
interface Step {
  name?: string;
  id?: string;
  uses?: string;
  with?: Record<string, unknown>;
  shell?: string;
  env?: Record<string, string>;
  run?: string;
}

interface Action {
  inputs?: Record<string, { default?: string; required?: boolean }>;
  outputs?: Record<string, { value: string }>;
  runs: { using: string; steps: Step[] };
}

export interface Annotation {
  kind: string;
  title: string;
  message: string;
}

/** What a workflow would see of the action. */
export interface ActionResult {
  exitCode: number;
  outputs: Record<string, string>;
  summary: string;
  annotations: Annotation[];
  /** Actions that it asks for, with what it gives them. They are named, not run. */
  uses: { uses: string; with: Record<string, unknown> }[];
  log: string;
}

const KEYS = new Set(['name', 'id', 'uses', 'with', 'shell', 'env', 'run']);

/**
 * Runs a composite action's steps as GitHub's runner does: `${{ }}` evaluated, each script by `bash --noprofile --norc -eo
 * pipefail` in the workspace, with the files of GITHUB_OUTPUT, GITHUB_ENV and GITHUB_STEP_SUMMARY, until one fails.
 */
export async function runAction(
  actionPath: string,
  workspace: string,
  given: Record<string, string>,
): Promise<ActionResult> {
  const action = parse(readFileSync(join(actionPath, 'action.yml'), 'utf8')) as Action;
  if (action.runs.using !== 'composite') throw new Error(`not a composite action: ${action.runs.using}`);
  const declared = action.inputs ?? {};
  for (const name of Object.keys(given))
    if (!declared[name]) throw new Error(`the action has no input ${name}`);
  const inputs = Object.fromEntries(
    Object.entries(declared).map(([name, { default: value = '' }]) => [name, given[name] ?? value]),
  );
  const files = join(workspace, '.runner');
  mkdirSync(files, { recursive: true });
  const steps = new Map<string, Record<string, string>>();
  const evaluate = (text: string): string => evaluateExpressions(text, { inputs, actionPath, steps });
  const result: ActionResult = { exitCode: 0, outputs: {}, summary: '', annotations: [], uses: [], log: '' };
  const carried: Record<string, string> = {};
  for (const [i, step] of action.runs.steps.entries()) {
    const unknown = Object.keys(step).filter((key) => !KEYS.has(key));
    if (unknown.length > 0) throw new Error(`this runner does not know ${unknown.join(', ')} of a step`);
    if (step.uses !== undefined) {
      result.uses.push({ uses: step.uses, with: step.with ?? {} });
      continue;
    }
    if (step.shell !== 'bash')
      throw new Error(`a composite step names its shell; this one says ${step.shell}`);
    const file = (name: string): string => join(files, `${i}.${name}`);
    for (const name of ['output', 'env', 'summary']) writeFileSync(file(name), '');
    writeFileSync(file('sh'), evaluate(step.run ?? ''));
    const done = await execa('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file('sh')], {
      cwd: workspace,
      env: {
        ...carried,
        ...Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluate(value)])),
        ...{
          CI: 'true',
          GITHUB_ACTIONS: 'true',
          GITHUB_WORKSPACE: workspace,
          GITHUB_ACTION_PATH: actionPath,
        },
        ...{ GITHUB_OUTPUT: file('output'), GITHUB_ENV: file('env'), GITHUB_STEP_SUMMARY: file('summary') },
      },
      all: true,
      reject: false,
      timeout: 300_000,
    });
    result.log += `${String(done.all)}\n`;
    result.summary += readFileSync(file('summary'), 'utf8');
    if (step.id !== undefined) steps.set(step.id, keyValues(readFileSync(file('output'), 'utf8')));
    Object.assign(carried, keyValues(readFileSync(file('env'), 'utf8')));
    result.exitCode = done.exitCode ?? 1;
    if (result.exitCode !== 0) break;
  }
  for (const [name, { value }] of Object.entries(action.outputs ?? {}))
    result.outputs[name] = evaluate(value);
  result.annotations = annotationsIn(result.log);
  return result;
}

function evaluateExpressions(
  text: string,
  context: { inputs: Record<string, string>; actionPath: string; steps: Map<string, Record<string, string>> },
): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/gs, (_, expression: string) => {
    const [, input] = /^inputs\.([\w-]+)$/.exec(expression) ?? [];
    if (input !== undefined) {
      const value = context.inputs[input];
      if (value === undefined) throw new Error(`there is no input ${input}`);
      return value;
    }
    if (expression === 'github.action_path') return context.actionPath;
    const [, step, output] = /^steps\.([\w-]+)\.outputs\.([\w-]+)$/.exec(expression) ?? [];
    if (step !== undefined && output !== undefined) return context.steps.get(step)?.[output] ?? '';
    throw new Error(`this runner does not know the expression \${{ ${expression} }}`);
  });
}

/** `name=value` lines, and `name<<END` … `END` blocks, as the runner reads its files. */
function keyValues(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line === '') continue;
    const [, name, end] = /^([^=<]+)<<(.+)$/.exec(line) ?? [];
    if (name !== undefined && end !== undefined) {
      const stop = lines.indexOf(end, i + 1);
      if (stop < 0) throw new Error(`the block ${name} has no end`);
      found[name] = lines.slice(i + 1, stop).join('\n');
      i = stop;
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 1) throw new Error(`the runner cannot read the line "${line}"`);
    found[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return found;
}

/** Workflow commands in a log, unescaped as the runner does. */
function annotationsIn(log: string): Annotation[] {
  const data = (text: string): string =>
    text
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%25', '%');
  return [...log.matchAll(/^::(error|warning|notice) title=([^:]*)::(.*)$/gm)].map(
    ([, kind = '', title = '', message = '']) => ({ kind, title: data(title), message: data(message) }),
  );
}

/** A GitLab job of one file, run as its shell executor does: the lines of `script` in one bash that stops at the first failure. */
export async function runGitlabJob(
  file: string,
  job: string,
  workspace: string,
): Promise<{ exitCode: number; log: string; artifacts: { path: string; exists: boolean }[] }> {
  const known = new Set(['image', 'script', 'artifacts']);
  const parsed = parse(readFileSync(file, 'utf8')) as Record<
    string,
    { script: string[]; artifacts?: { paths?: string[]; reports?: Record<string, string>; when?: string } }
  >;
  const found = parsed[job];
  if (!found) throw new Error(`${file} has no job ${job}`);
  const unknown = Object.keys(found).filter((key) => !known.has(key));
  if (unknown.length > 0) throw new Error(`this runner does not know ${unknown.join(', ')} of a job`);
  const done = await execa('bash', ['-eo', 'pipefail', '-c', found.script.join('\n')], {
    cwd: workspace,
    env: { CI: 'true', GITLAB_CI: 'true', CI_PROJECT_DIR: workspace },
    all: true,
    reject: false,
    timeout: 300_000,
  });
  const paths = [...(found.artifacts?.paths ?? []), ...Object.values(found.artifacts?.reports ?? {})];
  return {
    exitCode: done.exitCode ?? 1,
    log: String(done.all),
    artifacts: paths.map((path) => ({ path, exists: existsSync(join(workspace, path)) })),
  };
}
