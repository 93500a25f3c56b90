import { expand } from '../dockerfile/expand.ts';
import type { Instruction, Stage } from '../dockerfile/instruction.ts';
import { parseInstruction } from '../dockerfile/parse.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { hostArchitecture } from '../format/config.ts';
import type { PackItem } from '../layer/pack.ts';
import { platformArgs } from './build-args.ts';
import { stepKey } from './build-cache.ts';
import { madeSec, type BuildSession } from './build-session.ts';
import { configAfter, expander, workdirAfter } from './config-step.ts';
import { newDirectory } from './copy.ts';
import { copyStep } from './copy-step.ts';
import { resolveInside } from './image-path.ts';
import { addHistory, layerStep, packItems } from './layer-step.ts';
import { stageIndex } from './needed-stages.ts';
import { runStep } from './run-step.ts';
import { emptyStage, stackOf, stageFrom, topOf, type StageState } from './stage-state.ts';

/** Builds one stage: its base, the triggers of that base, its steps. */
export async function buildStage(session: BuildSession, stage: Stage, index: number): Promise<StageState> {
  const { dockerfile, tools, request } = session;
  const place = { file: dockerfile.file, line: stage.from.line };
  const globals = globalArgs(session);
  const of = (text: string): string => expand(text, (each) => globals.get(each), dockerfile.escape, place);
  const name = of(stage.from.image);
  const platform = stage.from.platform && of(stage.from.platform);
  if (platform && platform.split('/').slice(0, 2).join('/') !== `linux/${hostArchitecture()}`)
    throw dockerfileError(
      place,
      `cannot build for ${platform} here`,
      `this machine is linux/${hostArchitecture()}`,
    );
  const label = (step: number): string =>
    `[${stage.name ?? `stage-${index}`} ${step}/${stage.steps.length + 1}]`;
  tools.say(`${label(1)} FROM ${name}`);
  const state = await baseOf(session, name, index, place);
  const triggers = (state.config.config.OnBuild ?? []).map((text) =>
    parseInstruction(text, { file: `${name} (ONBUILD)`, line: 1 }, '\\'),
  );
  state.config.config = { ...state.config.config, OnBuild: undefined };
  for (const step of triggers) await anyStep(session, state, step, index, globals, `${name} (ONBUILD)`);
  for (const [i, step] of stage.steps.entries()) {
    request.signal?.throwIfAborted();
    tools.say(`${label(i + 2)} ${step.text}`);
    await anyStep(session, state, step, index, globals, dockerfile.file);
  }
  return state;
}

/** Values of the ARGs before the first FROM; later ones may use earlier ones. */
function globalArgs({ dockerfile, request }: BuildSession): Map<string, string> {
  const values = new Map(Object.entries(platformArgs()));
  for (const step of dockerfile.globals)
    for (const arg of step.args) {
      const place = { file: dockerfile.file, line: step.line };
      const fallback =
        arg.default === undefined
          ? undefined
          : expand(arg.default, (each) => values.get(each), dockerfile.escape, place);
      const value = request.buildArgs.get(arg.name) ?? fallback;
      if (value !== undefined) values.set(arg.name, value);
    }
  return values;
}

async function baseOf(session: BuildSession, name: string, index: number, place: Place): Promise<StageState> {
  if (name === '') throw dockerfileError(place, 'FROM an empty name', 'does an ARG lack its value?');
  if (name === 'scratch') return emptyStage();
  const other = /^[0-9]+$/.test(name) ? undefined : stageIndex(session.dockerfile, name, index);
  const built = other === undefined ? undefined : session.stages.get(other);
  if (built) return { ...stageFrom(built.config, built.layers, built.facts), createdAt: built.createdAt };
  const { store, pull } = session.tools;
  const image = (await store.find(name)) ?? (await pull(name));
  const facts = await store.unpackLayers(image, session.request.signal);
  return stageFrom(image.config, image.manifest.layers, facts);
}

async function anyStep(
  session: BuildSession,
  state: StageState,
  step: Instruction,
  index: number,
  globals: ReadonlyMap<string, string>,
  file: string,
): Promise<void> {
  const place = { file, line: step.line };
  const { escape } = session.dockerfile;
  const value = expander(state.config.config, state.args, escape, place);
  switch (step.name) {
    case 'ARG':
      for (const arg of step.args) {
        const fallback = arg.default === undefined ? globals.get(arg.name) : value(arg.default);
        const chosen = session.request.buildArgs.get(arg.name) ?? fallback;
        if (chosen !== undefined) state.args.set(arg.name, chosen);
      }
      return addHistory(session, state, step.text, true);
    case 'RUN':
      return runStep(session, state, step, index, place, value);
    case 'COPY':
    case 'ADD':
      return copyStep(session, state, step, index, place, value);
    case 'WORKDIR':
      return workdirStep(session, state, step.text, value(step.value));
    case 'MAINTAINER':
      state.config.author = step.value;
      return addHistory(session, state, step.text, true);
    default: {
      const changed = configAfter(step, state.config.config, value, place, escape);
      if (!changed) throw new Error(`${step.name} was not handled`);
      state.config.config = changed;
      addHistory(session, state, step.text, true);
    }
  }
}

/** WORKDIR makes its directory when the image lacks it. */
async function workdirStep(
  session: BuildSession,
  state: StageState,
  text: string,
  wanted: string,
): Promise<void> {
  const path = workdirAfter(state.config.config, wanted);
  state.config.config = { ...state.config.config, WorkingDir: path };
  const image = stackOf(state);
  const { path: canonical, sight } = resolveInside(image, Buffer.from(path).toString('latin1'));
  if (canonical.length === 0 || sight.type === 'directory') return addHistory(session, state, text, true);
  const items: PackItem[] = [];
  for (let depth = 1; depth <= canonical.length; depth++) {
    const parent = canonical.slice(0, depth);
    if (image.look(parent).type === 'directory') continue;
    items.push({ member: newDirectory(parent.join('/'), undefined, madeSec(session)), content: null });
  }
  const key = stepKey({ step: 'WORKDIR', below: topOf(state), path });
  await layerStep(session, state, { text, key }, () => packItems(session, items));
}
