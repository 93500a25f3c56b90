import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { digestSchema, hexOf, type Digest } from '../format/digest.ts';
import { bootId } from '../store/process-identity.ts';
import type { UnprivilegedUnpack } from '../native/layer-tool.ts';
import { withLock } from '../store/store-lock.ts';
import { LayerStack, NO_LOWER, type LowerLayer } from './lower-view.ts';
import { unpackLayer, type UnpackReport } from './unpack.ts';

const layerRecordSchema = z.strictObject({
  chainId: digestSchema,
  diffId: digestSchema,
  entries: z.int(),
  bytes: z.int(),
  /** Raw names. */
  opaque: z.array(z.string()),
  /** Directory → its attributes, name and base64 value. */
  xattrs: z.record(z.string(), z.array(z.tuple([z.string(), z.string()]))),
  xattrsDropped: z.int(),
  /** Unpacked as one user's: other owners than the image's. */
  unprivileged: z.boolean(),
  /** Layers are not flushed to the disk: one from before the last boot may have lost data, and is made again. */
  boot: z.string(),
});
export type LayerFacts = z.infer<typeof layerRecordSchema> & { tree: string };

/** The layer as the ones above it see it. */
export function lowerLayer({ tree, opaque, xattrs }: LayerFacts): LowerLayer {
  const decoded = Object.entries(xattrs).map(([path, list]): [string, [string, Buffer][]] => [
    path,
    list.map(([name, value]) => [name, Buffer.from(value, 'base64')]),
  ]);
  return { tree, opaque: new Set(opaque), xattrs: new Map(decoded) };
}

export interface LayerSource {
  file: string;
  what: string;
  digest: Digest | null;
  signal?: AbortSignal;
}

/**
 * Unpacked layers, `layers/<chain id, 32 hex digits>/tree`, shared by all images and containers. The folder is closed to other
 * users: layers hold setuid programs. Names are short because overlayfs takes all of them in one mount option of 4 KiB.
 */
export class LayerCache {
  readonly #folder: string;
  readonly #tool: () => Promise<string>;
  readonly #unprivileged: () => Promise<UnprivilegedUnpack | false>;
  readonly #remove: (tree: string) => Promise<void>;

  constructor(
    root: string,
    tool: () => Promise<string>,
    unprivileged: () => Promise<UnprivilegedUnpack | false>,
    remove: (tree: string) => Promise<void>,
  ) {
    this.#folder = join(root, 'layers');
    this.#tool = tool;
    this.#unprivileged = unprivileged;
    this.#remove = remove;
  }

  /** The layer when it is there, whole and usable. */
  async find(chainId: Digest): Promise<LayerFacts | undefined> {
    const folder = this.#layerFolder(chainId);
    const text = await readFile(join(folder, 'layer.json'), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const facts = layerRecordSchema.safeParse(JSON.parse(text));
    if (!facts.success || facts.data.chainId !== chainId) return undefined;
    if (facts.data.boot !== bootId() || facts.data.unprivileged !== (await this.#squashed()))
      return undefined;
    return { ...facts.data, tree: join(folder, 'tree') };
  }

  /** The layer, unpacked on top of the given ones (lowest first) when it is not there yet. */
  async ensure(
    chainId: Digest,
    diffId: Digest,
    below: LayerFacts[],
    source: () => LayerSource,
  ): Promise<LayerFacts> {
    const ready = await this.find(chainId);
    if (ready) return ready;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return withLock(this.#folder, hexOf(chainId).slice(0, 32), async () => {
      const meanwhile = await this.find(chainId);
      if (meanwhile) return meanwhile;
      const { staging, report } = await this.#unpack(source(), diffId, below);
      return this.#install(staging, chainId, report);
    });
  }

  /** Unpacks an archive that nobody vouched for (an import) as a first layer; tells what it turned out to be. */
  async adopt(source: LayerSource): Promise<LayerFacts> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { staging, report } = await this.#unpack(source, null, []);
    return withLock(this.#folder, hexOf(report.diffId).slice(0, 32), async () => {
      const there = await this.find(report.diffId);
      if (there) {
        await this.#remove(staging);
        return there;
      }
      return this.#install(staging, report.diffId, report);
    });
  }

  async list(): Promise<{ folder: string; chainId: Digest | undefined; bytes: number; changedMs: number }[]> {
    const found = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (name.startsWith('.lock')) continue;
      const folder = join(this.#folder, name);
      const text = await readFile(join(folder, 'layer.json'), 'utf8').catch(() => 'null');
      const facts = layerRecordSchema.safeParse(JSON.parse(text));
      const changedMs = (await stat(folder).catch(() => undefined))?.mtimeMs ?? 0;
      found.push({ folder, chainId: facts.data?.chainId, bytes: facts.data?.bytes ?? 0, changedMs });
    }
    return found;
  }

  async #squashed(): Promise<boolean> {
    const how = await this.#unprivileged();
    return how !== false && how.squash;
  }

  /** Where a layer's tree is, or would be. */
  treeOf(chainId: Digest): string {
    return join(this.#layerFolder(chainId), 'tree');
  }

  #layerFolder(chainId: Digest): string {
    return join(this.#folder, hexOf(chainId).slice(0, 32));
  }

  async #unpack(
    source: LayerSource,
    diffId: Digest | null,
    below: LayerFacts[],
  ): Promise<{ staging: string; report: UnpackReport }> {
    const staging = join(this.#folder, `.new-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const tree = join(staging, 'tree');
    await mkdir(tree, { recursive: true, mode: 0o700 });
    const lower = below.map(lowerLayer);
    try {
      const report = await unpackLayer({
        ...source,
        diffId,
        lower: lower.length > 0 ? new LayerStack(lower) : NO_LOWER,
        target: tree,
        tool: await this.#tool(),
        unprivileged: await this.#unprivileged(),
      });
      return { staging, report };
    } catch (error) {
      await this.#remove(staging);
      throw error;
    }
  }

  async #install(staging: string, chainId: Digest, report: UnpackReport): Promise<LayerFacts> {
    const { diffId, entries, bytes, opaque, xattrsDropped } = report;
    const unprivileged = await this.#squashed();
    const xattrs = Object.fromEntries(
      [...report.xattrs].map(([path, list]) => [
        path,
        list.map(([name, value]): [string, string] => [name, value.toString('base64')]),
      ]),
    );
    const facts = {
      chainId,
      diffId,
      entries,
      bytes,
      opaque,
      xattrs,
      xattrsDropped,
      unprivileged,
      boot: bootId(),
    };
    await writeFile(join(staging, 'layer.json'), JSON.stringify(facts) + '\n');
    const folder = this.#layerFolder(chainId);
    // Something unusable may lie there: from before the last boot, or half removed.
    await this.#remove(folder);
    await rename(staging, folder);
    return { ...facts, tree: join(folder, 'tree') };
  }
}
