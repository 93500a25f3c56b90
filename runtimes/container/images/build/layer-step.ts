import { chainIds, type Digest } from '../format/digest.ts';
import { packLayer, type PackedLayer, type PackItem } from '../layer/pack.ts';
import { readStep, writeStep } from './build-cache.ts';
import type { BuildSession } from './build-session.ts';
import { appendLayer, type StageState } from './stage-state.ts';

/** Makes a step's layer, or takes the one that the same step made before. `make` gives null when nothing changed. */
export async function layerStep(
  session: BuildSession,
  state: StageState,
  step: { text: string; key: Digest },
  make: () => Promise<PackedLayer | null>,
): Promise<void> {
  const { request } = session;
  const { store, say } = session.tools;
  const { text, key } = step;
  const cached = request.noCache ? undefined : await readStep(store.root, key);
  const usable = cached && (cached.layer === null || (await store.blobs.has(cached.layer.descriptor.digest)));
  if (usable) say('  cached');
  const made = usable ? cached.layer : await make();
  const created = usable ? cached.created : request.now;
  state.createdAt = created;
  if (made === null) {
    if (!usable) await writeStep(store.root, key, { layer: null, created });
    return addHistory(session, state, text, true);
  }
  const { descriptor, diffId } = made;
  const chainId = chainIds([...(state.config.rootfs.diff_ids ?? []), diffId]).at(-1) ?? diffId;
  const facts = await store.layers.ensure(chainId, diffId, state.facts, () => ({
    file: store.blobs.path(descriptor.digest),
    what: `layer ${descriptor.digest}`,
    digest: descriptor.digest,
    signal: request.signal,
  }));
  appendLayer(state, descriptor, facts);
  if (!usable) await writeStep(store.root, key, { layer: { descriptor, diffId, chainId }, created });
  addHistory(session, state, text, false);
}

export function addHistory({ request }: BuildSession, state: StageState, text: string, empty: boolean): void {
  state.config.history = [
    ...(state.config.history ?? []),
    {
      created: request.reproducible ? request.now : (state.createdAt ?? request.now),
      created_by: text,
      ...(empty ? { empty_layer: true } : {}),
    },
  ];
}

export function packItems({ tools, request }: BuildSession, items: PackItem[]): Promise<PackedLayer> {
  return packLayer(tools.store.blobs, items, request.signal);
}
