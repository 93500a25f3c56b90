import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import type { StepMount } from '../contract.ts';
import { DEFAULT_PATH } from '../defaults.ts';
import { heredocNamed, heredocText, type Heredoc } from '../dockerfile/heredoc.ts';
import type { CommandForm, Instruction } from '../dockerfile/instruction.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import type { ProcessConfig } from '../format/config.ts';
import { upperDiff } from '../layer/upper-diff.ts';
import { scanTree } from '../native/layer-tool.ts';
import { PROXY_ARGS } from './build-args.ts';
import { stepKey } from './build-cache.ts';
import type { BuildSession } from './build-session.ts';
import { commandArgv } from './config-step.ts';
import { layerStep, packItems } from './layer-step.ts';
import { withoutMountStubs } from './mount-stubs.ts';
import { planMounts } from './run-mounts.ts';
import { environment, environmentList, stackOf, topOf, type StageState } from './stage-state.ts';

/** Where a script with an interpreter line of its own is shown to the step. */
const SCRIPT_FOLDER = '/dev/pipes';

/** What a RUN step executes, and the script it needs a file for. Pure. */
export function runCommand(
  command: CommandForm,
  heredocs: readonly Heredoc[],
  process: ProcessConfig,
): { argv: string[]; script: { target: string; text: string } | undefined } {
  const [only] = heredocs;
  if (command.form === 'exec' || only === undefined)
    return { argv: commandArgv(command, process), script: undefined };
  if (heredocs.length === 1 && heredocNamed(command.text.trim(), heredocs)) {
    const text = heredocText(only);
    if (!text.startsWith('#!'))
      return { argv: commandArgv({ form: 'shell', text }, process), script: undefined };
    const target = `${SCRIPT_FOLDER}/${only.name}`;
    return { argv: [target], script: { target, text } };
  }
  // The shell reads them after its command, as it would in a script.
  const whole = [command.text, ...heredocs.map(({ content, name }) => `${content}${name}`)].join('\n');
  return { argv: commandArgv({ form: 'shell', text: whole }, process), script: undefined };
}

/** RUN: in a container on the layers below, what it changes becomes a layer. */
export async function runStep(
  session: BuildSession,
  state: StageState,
  step: Instruction & { name: 'RUN' },
  index: number,
  place: Place,
  value: (text: string) => string,
): Promise<void> {
  const { request, tools } = session;
  const process = state.config.config;
  const { argv, script } = runCommand(step.command, step.heredocs, process);
  const workdir = process.WorkingDir ?? '/';
  const mounts = await planMounts(session, step.mounts, { index, workdir, place, value });
  const env = environment(process);
  const proxies = [...request.buildArgs].filter(([name]) => PROXY_ARGS.includes(name));
  const buildEnv = new Map([...proxies, ...state.args, ...env, ...mounts.env]);
  if (!buildEnv.has('PATH')) buildEnv.set('PATH', DEFAULT_PATH);
  const network = step.network === 'default' ? (request.network ?? 'none') : step.network;
  const key = stepKey({
    step: 'RUN',
    below: topOf(state),
    argv,
    ...(script ? { script: script.text } : {}),
    ...(mounts.key.length > 0 ? { mounts: mounts.key } : {}),
    // Proxies say how to reach the network, not what to build.
    env: environmentList(new Map([...state.args, ...env])),
    cwd: workdir,
    user: process.User ?? '',
    network,
  });
  await layerStep(session, state, { text: step.text, key }, async () => {
    const { runner, store } = tools;
    if (!runner)
      throw dockerfileError(
        place,
        'RUN needs the container runtime, which is not available here',
        'bench doctor tells why',
      );
    const scratch = await mkdtemp(join(store.root, 'partial', 'run-'));
    try {
      const [upperDir, workDir] = [join(scratch, 'upper'), join(scratch, 'work')];
      await mkdir(upperDir);
      await mkdir(workDir);
      likeTopRoot(upperDir, state);
      const ofScript = script ? [await scriptMount(scratch, script)] : [];
      const { outcome, targets } = await mounts.within(scratch, async (made) => ({
        targets: [...made, ...ofScript],
        outcome: await runner.run({
          layers: state.facts.map(({ tree }) => tree),
          upperDir,
          workDir,
          argv,
          env: environmentList(buildEnv),
          cwd: workdir,
          user: process.User ?? '',
          network,
          mounts: [...made, ...ofScript],
          signal: request.signal,
          onOutput: (chunk) => tools.output(chunk),
        }),
      }));
      if (outcome.exitCode !== 0)
        throw new BenchError(
          'image-step-failed',
          `${place.file}:${place.line}: RUN ended with ${outcome.exitCode === null ? `signal ${outcome.signal}` : `exit code ${outcome.exitCode}`}: ${argv.join(' ')}`,
        );
      const records = await scanTree(await store.layerTool(), upperDir, request.signal);
      const items = withoutMountStubs(
        upperDiff(upperDir, records),
        stackOf(state),
        targets.map(({ target }) => target),
      );
      return items.length === 0 ? null : await packItems(session, items);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

async function scriptMount(scratch: string, script: { target: string; text: string }): Promise<StepMount> {
  const source = join(scratch, 'script');
  await writeFile(source, script.text, { mode: 0o755 });
  return { type: 'bind', source, target: script.target, writable: false };
}

/** overlayfs shows the upper directory's own attributes as the root's. */
function likeTopRoot(upperDir: string, state: StageState): void {
  const top = state.facts.at(-1);
  const stats = top && lstatSync(top.tree);
  chmodSync(upperDir, (stats?.mode ?? 0o755) & 0o7777);
  if (stats && process.geteuid?.() === 0) chownSync(upperDir, stats.uid, stats.gid);
}
