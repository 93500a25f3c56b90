import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import type { RawName } from '../tar/entry.ts';

export interface DirectoryFacts {
  mode: number;
  uid: number;
  gid: number;
  mtimeSec: number;
  xattrs: [RawName, Buffer][];
}

/** Directories that have extended attributes, and those; noted when a layer is unpacked, since Node cannot read them. */
export type DirectoryXattrs = ReadonlyMap<RawName, [RawName, Buffer][]>;

/** What the layers below show at a path. */
export type Sight =
  | { type: 'absent' }
  | { type: 'directory'; facts: DirectoryFacts }
  | { type: 'symlink'; target: RawName }
  | { type: 'other' };

/** The layers below one that is being unpacked, seen as one tree. Paths are canonical: no link in any parent. */
export interface LowerView {
  look(path: readonly RawName[]): Sight;
  /** What a directory holds (whiteouts already taken out). */
  names(path: readonly RawName[]): RawName[];
}

/** Nothing below: the first layer of an image. */
export const NO_LOWER: LowerView = { look: () => ({ type: 'absent' }), names: () => [] };

/** An unpacked layer: its tree, and what Node cannot read of it: which directories are opaque, and attributes. */
export interface LowerLayer {
  tree: string;
  opaque: ReadonlySet<RawName>;
  xattrs: DirectoryXattrs;
}

interface Found {
  sight: Sight;
  /** Indexes of the layers whose directories are merged here. */
  layers: number[];
}

/** Merges unpacked layers the way overlayfs does; remembers what it has looked at. */
export class LayerStack implements LowerView {
  readonly #layers: LowerLayer[];
  readonly #seen = new Map<RawName, Found>();

  /** @param layers lowest first, as everywhere. */
  constructor(layers: LowerLayer[]) {
    this.#layers = [...layers].reverse();
  }

  look(path: readonly RawName[]): Sight {
    return this.#find(path).sight;
  }

  names(path: readonly RawName[]): RawName[] {
    const key = path.join('/');
    const names = new Set<RawName>();
    for (const index of this.#directoryLayers(path)) {
      const tree = this.#layers[index]?.tree;
      if (tree !== undefined) for (const name of readdirSync(hostPath(tree, key), 'latin1')) names.add(name);
    }
    return [...names].filter((name) => this.look([...path, name]).type !== 'absent').sort();
  }

  /** The layer tree (absolute) that provides a path's inode; undefined when absent. */
  provider(path: readonly RawName[]): string | undefined {
    const found = this.#find(path);
    return found.sight.type === 'absent' ? undefined : this.#layers[found.layers[0] ?? -1]?.tree;
  }

  #find(path: readonly RawName[]): Found {
    const key = path.join('/');
    const seen = this.#seen.get(key);
    if (seen) return seen;
    const found = this.#search(path, key);
    this.#seen.set(key, found);
    return found;
  }

  #search(path: readonly RawName[], key: RawName): Found {
    const candidates =
      path.length === 0 ? this.#layers.map((_, index) => index) : this.#directoryLayers(path.slice(0, -1));
    const result: Found = { sight: { type: 'absent' }, layers: [] };
    for (const index of candidates) {
      const layer = this.#layers[index];
      const stats = layer && inspect(layer.tree, key);
      if (!layer || !stats) continue;
      if (stats.isCharacterDevice() && stats.rdev === 0) break;
      if (!stats.isDirectory()) {
        if (result.layers.length > 0) break;
        return { sight: sightOf(stats, layer, key), layers: [index] };
      }
      if (result.layers.length === 0) result.sight = sightOf(stats, layer, key);
      result.layers.push(index);
      if (layer.opaque.has(key)) break;
    }
    return result;
  }

  #directoryLayers(path: readonly RawName[]): number[] {
    const found = this.#find(path);
    return found.sight.type === 'directory' ? found.layers : [];
  }
}

function inspect(tree: string, key: RawName): Stats | undefined {
  try {
    return lstatSync(hostPath(tree, key));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function sightOf(stats: Stats, { tree, xattrs }: LowerLayer, key: RawName): Sight {
  if (stats.isDirectory())
    return {
      type: 'directory',
      facts: {
        mode: stats.mode & 0o7777,
        uid: stats.uid,
        gid: stats.gid,
        mtimeSec: Math.floor(stats.mtimeMs / 1000),
        xattrs: xattrs.get(key) ?? [],
      },
    };
  if (stats.isSymbolicLink())
    return { type: 'symlink', target: readlinkSync(hostPath(tree, key), 'buffer').toString('latin1') };
  return { type: 'other' };
}

/** The path of a raw name on the host, as bytes. */
export function hostPath(tree: string, key: RawName): Buffer {
  return key === ''
    ? Buffer.from(tree)
    : Buffer.concat([Buffer.from(tree + '/'), Buffer.from(key, 'latin1')]);
}
