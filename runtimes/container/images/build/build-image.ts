import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { DockerIgnore } from '../dockerfile/docker-ignore.ts';
import { parseDockerfile } from '../dockerfile/parse.ts';
import type { StoredImage } from '../store/image-store.ts';
import { refuseUnknownArgs } from './build-args.ts';
import type { BuildRequest, BuildSession, BuildTools } from './build-session.ts';
import { neededStages, targetStage } from './needed-stages.ts';
import { contextTree } from './source-tree.ts';
import { buildStage } from './stage-builder.ts';

export type { BuildRequest, BuildTools } from './build-session.ts';

/** Builds an image from a Dockerfile. */
export async function buildImage(request: BuildRequest, tools: BuildTools): Promise<StoredImage> {
  const text = await readFile(request.file, 'utf8').catch((cause: unknown) => {
    throw new BenchError('bad-dockerfile', `cannot read ${request.file}`, { cause, hint: 'name it with -f' });
  });
  const dockerfile = parseDockerfile(text, request.file);
  const target = targetStage(dockerfile, request.target);
  refuseUnknownArgs(dockerfile, request.buildArgs);
  const context = contextTree(request.context, new DockerIgnore(await ignoreText(request)));
  const session: BuildSession = { request, tools, dockerfile, context, stages: new Map() };
  return tools.store.adding(() => buildStages(session, target));
}

/** `<Dockerfile>.dockerignore` goes before `.dockerignore`, as with Docker. */
async function ignoreText({ file, context }: BuildRequest): Promise<string> {
  for (const candidate of [`${file}.dockerignore`, join(context, '.dockerignore')]) {
    const text = await readFile(candidate, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return '';
}

async function buildStages(session: BuildSession, target: number): Promise<StoredImage> {
  const { request, tools, dockerfile, stages } = session;
  for (const index of neededStages(dockerfile, target)) {
    const stage = dockerfile.stages[index];
    if (stage) stages.set(index, await buildStage(session, stage, index));
  }
  const state = stages.get(target);
  if (!state) throw new Error('the target stage was not built');
  const { labels } = request;
  if (labels && Object.keys(labels).length > 0)
    state.config.config = { ...state.config.config, Labels: { ...state.config.config.Labels, ...labels } };
  state.config.created = request.reproducible ? request.now : (state.createdAt ?? request.now);
  const [first, ...others] = request.names;
  let image = await tools.store.add(state.config, state.layers, first);
  for (const other of others) image = await tools.store.name(image.descriptor, other);
  return image;
}
