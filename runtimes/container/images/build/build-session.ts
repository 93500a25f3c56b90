import type { StepRunner } from '../contract.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { stageIndex } from './needed-stages.ts';
import { layersTree, type SourceTree } from './source-tree.ts';
import { lowerLayers, stageFrom, type StageState } from './stage-state.ts';

export interface BuildRequest {
  /** Folder of the build context. */
  context: string;
  /** Path of the Dockerfile. */
  file: string;
  names: string[];
  target?: string;
  buildArgs: ReadonlyMap<string, string>;
  labels?: Readonly<Record<string, string>>;
  /** What `RUN --mount=type=secret` may see: id → content. Never part of a layer, a key or the history. */
  secrets?: ReadonlyMap<string, Uint8Array>;
  noCache?: boolean;
  network?: 'none' | 'host' | 'bridge';
  /** Time for what has none of its own: SOURCE_DATE_EPOCH, or now. ISO 8601. */
  now: string;
  /** Set when `now` was asked for: then equal builds give equal digests. */
  reproducible: boolean;
  signal?: AbortSignal;
}

/** What a build needs from outside. */
export interface BuildTools {
  store: ImageStore;
  /** Runs RUN steps; without one such a step is refused. */
  runner: StepRunner | undefined;
  /** Brings an image that the store does not have. */
  pull(name: string): Promise<StoredImage>;
  /** One line of progress. */
  say(line: string): void;
  /** What a RUN step prints. */
  output(chunk: Uint8Array): void;
}

/** One build while it goes on. */
export interface BuildSession {
  request: BuildRequest;
  tools: BuildTools;
  dockerfile: Dockerfile;
  context: SourceTree;
  /** Stages built so far. */
  stages: Map<number, StageState>;
}

/** For what has to be made and has no time of its own, seconds since the epoch. */
export function madeSec({ request }: BuildSession): number {
  return request.reproducible ? Math.floor(Date.parse(request.now) / 1000) : 0;
}

/** What `--from=` means in a stage: an earlier stage, or an image. */
export async function sourceNamed(session: BuildSession, from: string, index: number): Promise<SourceTree> {
  const { store, pull } = session.tools;
  const tool = await store.layerTool();
  const stage = stageIndex(session.dockerfile, from, index);
  const built = stage === undefined ? undefined : session.stages.get(stage);
  if (built) return layersTree(lowerLayers(built), tool, `stage '${from}'`);
  const image = (await store.find(from)) ?? (await pull(from));
  const facts = await store.unpackLayers(image, session.request.signal);
  const state = stageFrom(image.config, image.manifest.layers, facts);
  return layersTree(lowerLayers(state), tool, `image '${from}'`);
}
