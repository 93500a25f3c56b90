import type { Descriptor } from '../format/descriptor.ts';
import { hostArchitecture, type ImageConfig, type ProcessConfig } from '../format/config.ts';
import type { Digest } from '../format/digest.ts';
import { lowerLayer, type LayerFacts } from '../layer/layer-cache.ts';
import { LayerStack, type LowerLayer } from '../layer/lower-view.ts';

/** A stage while it is being built. */
export interface StageState {
  config: ImageConfig;
  layers: Descriptor[];
  /** Unpacked, same order. */
  facts: LayerFacts[];
  /** ARGs declared so far and their values. */
  args: Map<string, string>;
  /** As built so far: the key of the last step that made a layer. */
  createdAt: string | undefined;
}

export function emptyStage(): StageState {
  return {
    config: {
      architecture: hostArchitecture(),
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    },
    layers: [],
    facts: [],
    args: new Map(),
    createdAt: undefined,
  };
}

/** A stage that goes on from another one or from an image; changes of the copy do not reach the original. */
export function stageFrom(config: ImageConfig, layers: Descriptor[], facts: LayerFacts[]): StageState {
  return {
    config: structuredClone(config),
    layers: [...layers],
    facts: [...facts],
    args: new Map(),
    createdAt: config.created,
  };
}

/** The chain id on top; '' for an empty stage. */
export function topOf(state: StageState): Digest | '' {
  return state.facts.at(-1)?.chainId ?? '';
}

export function lowerLayers(state: StageState): LowerLayer[] {
  return state.facts.map(lowerLayer);
}

export function stackOf(state: StageState): LayerStack {
  return new LayerStack(lowerLayers(state));
}

export function appendLayer(state: StageState, layer: Descriptor, facts: LayerFacts): void {
  state.layers.push(layer);
  state.facts.push(facts);
  state.config.rootfs.diff_ids = [...(state.config.rootfs.diff_ids ?? []), facts.diffId];
}

/** The config's environment as a map. */
export function environment(process: ProcessConfig): Map<string, string> {
  return new Map(
    (process.Env ?? []).map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

export function environmentList(values: ReadonlyMap<string, string>): string[] {
  return [...values].map(([name, value]) => `${name}=${value}`);
}
