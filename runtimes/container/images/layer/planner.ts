import type { LayerLimits } from '../defaults.ts';
import type { RawName, TarEntry } from '../tar/entry.ts';
import { checkXattrs, keptXattrs, LayerBudget, requireHarmlessNode } from './entry-policy.ts';
import { components, hostile, MAX_PATH_BYTES } from './layer-path.ts';
import type { DirectoryFacts, LowerView } from './lower-view.ts';
import {
  BLANK_RECORD,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
  type LayerRecord,
} from './record.ts';
import { OPAQUE_XATTR, whiteoutOf } from './whiteout.ts';

interface DirectoryNode {
  type: 'directory';
  children: Map<RawName, Node>;
  /** Nothing of the layers below shows through. */
  opaque: boolean;
  attributes: Pick<LayerRecord, 'mode' | 'uid' | 'gid' | 'mtimeSec' | 'mtimeNsec' | 'xattrs'>;
}
type Node = DirectoryNode | { type: 'symlink'; target: RawName } | { type: 'leaf' } | { type: 'whiteout' };

/** What the layers above will want to know of this one's directories. */
export interface FinishedLayer {
  /** They hide what is below them. */
  opaque: RawName[];
  xattrs: Map<RawName, [RawName, Buffer][]>;
}

/** Linux's own limit on links in one path (MAXSYMLINKS). */
const MAX_LINKS = 40;
const NEW_DIRECTORY: DirectoryFacts = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 0, xattrs: [] };

/**
 * Turns the members of one layer's archive into operations beneath an empty directory, in the form overlayfs wants. Pure: it
 * keeps a model of the layer, asks the view of the layers below, and writes nothing.
 *
 * Rules (OCI image specification, layer.md; where it is silent, what umoci and containerd do):
 * - links in parents are resolved inside the image, through this layer and those below, the way a chroot would; so every
 *   emitted path is free of links, and the applying tool can refuse all links;
 * - a later member of the same name replaces the earlier, except that a directory stays and only changes its attributes;
 * - parents that the archive does not name take their attributes from the layers below;
 * - whiteouts hide what is below, never what the same layer brings, whatever their order.
 */
export class LayerPlanner {
  readonly #emit: (record: LayerRecord) => void;
  readonly #lower: LowerView;
  readonly #root: DirectoryNode;
  readonly budget: LayerBudget;
  /** Attributes that were not taken over. */
  droppedXattrs = 0;

  constructor(lower: LowerView, limits: LayerLimits, emit: (record: LayerRecord) => void) {
    this.#lower = lower;
    this.#emit = emit;
    this.budget = new LayerBudget(limits);
    const below = lower.look([]);
    this.#root = directory(below.type === 'directory' ? below.facts : NEW_DIRECTORY);
  }

  /** Plans one member. True when its content is to follow the emitted record. */
  add(entry: TarEntry): boolean {
    this.budget.charge(entry);
    const parts = components(entry.path);
    const name = parts.pop();
    if (name === undefined) {
      if (entry.type !== 'directory') throw hostile(entry.path, `the layer's root must be a directory`);
      this.#root.attributes = this.#attributesOf(entry);
      return false;
    }
    const mark = whiteoutOf(name, entry.path);
    const { node: parent, path, lowerShows } = this.#descend(parts, entry.path);
    if (mark.kind === 'opaque') {
      parent.opaque = true;
      return false;
    }
    if (mark.kind === 'whiteout') {
      const hidden = [...path, mark.name];
      if (parent.children.has(mark.name)) this.#hideBelow(parent.children.get(mark.name));
      // A whiteout of nothing would show up as a file of that name in directories that overlayfs need not merge.
      else if (lowerShows && this.#lower.look(hidden).type !== 'absent') {
        parent.children.set(mark.name, { type: 'whiteout' });
        this.#emit({ ...BLANK_RECORD, kind: 'node', path: hidden.join('/'), mode: S_IFCHR });
      }
      return false;
    }
    const full = [...path, name];
    if (full.join('/').length > MAX_PATH_BYTES) throw hostile(entry.path.slice(0, 100), 'path too long');
    return this.#place(entry, parent, name, full.join('/'));
  }

  /** Emits what can only be done at the end: attributes of directories, inner ones first. */
  finish(): FinishedLayer {
    const finished: FinishedLayer = { opaque: [], xattrs: new Map() };
    if (this.#root.opaque) this.#hideAllBelowRoot();
    this.#finishDirectory(this.#root, '', finished);
    return finished;
  }

  #place(entry: TarEntry, parent: DirectoryNode, name: RawName, path: RawName): boolean {
    const existing = parent.children.get(name);
    const base: LayerRecord = { ...BLANK_RECORD, ...this.#attributesOf(entry), path };
    if (entry.type === 'directory' && existing?.type === 'directory') {
      existing.attributes = this.#attributesOf(entry);
      return false;
    }
    // Looked up before anything is removed: a bad link must not cost what is there.
    const target = entry.type === 'hardlink' ? this.#hardlinkTarget(entry) : '';
    // GNU tar writes one when it is given the same name twice.
    if (entry.type === 'hardlink' && target === path) return false;
    if (entry.type === 'char' || entry.type === 'block' || entry.type === 'fifo') requireHarmlessNode(entry);
    if (existing) this.#emit({ ...BLANK_RECORD, kind: 'remove', path });
    switch (entry.type) {
      case 'directory': {
        const node = directory(NEW_DIRECTORY);
        node.attributes = this.#attributesOf(entry);
        // It was hidden before it came: what is below stays hidden.
        node.opaque = existing?.type === 'whiteout';
        parent.children.set(name, node);
        this.#emit({ ...base, kind: 'directory' });
        return false;
      }
      case 'file':
        parent.children.set(name, { type: 'leaf' });
        this.#emit({
          ...base,
          kind: 'file',
          mode: S_IFREG | entry.mode,
          size: entry.size,
          dataLength: entry.dataLength,
          dataOffset: entry.dataOffset,
          segments: entry.segments,
        });
        return true;
      case 'symlink':
        if (
          entry.linkTarget === '' ||
          entry.linkTarget.includes('\0') ||
          entry.linkTarget.length > MAX_PATH_BYTES
        )
          throw hostile(entry.path, 'malformed symbolic link');
        parent.children.set(name, { type: 'symlink', target: entry.linkTarget });
        this.#emit({ ...base, kind: 'symlink', mode: S_IFLNK | 0o777, linkTarget: entry.linkTarget });
        return false;
      case 'hardlink':
        parent.children.set(name, { type: 'leaf' });
        this.#emit({ ...BLANK_RECORD, kind: 'hardlink', path, linkTarget: target });
        return false;
      default: {
        const type = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO }[entry.type];
        parent.children.set(name, { type: 'leaf' });
        this.#emit({
          ...base,
          kind: 'node',
          mode: type | entry.mode,
          devMajor: entry.devMajor,
          devMinor: entry.devMinor,
        });
        return false;
      }
    }
  }

  /** The canonical path of a hard link's target, which must be a file that this layer has already brought. */
  #hardlinkTarget(entry: TarEntry): RawName {
    const parts = components(entry.linkTarget);
    const name = parts.pop();
    const found = name === undefined ? undefined : this.#descend(parts, entry.path);
    const node = name === undefined ? undefined : found?.node.children.get(name);
    if (!found || name === undefined || node === undefined || node.type === 'whiteout')
      throw hostile(entry.path, `hard link to '${entry.linkTarget}', which this layer does not hold`);
    if (node.type === 'directory') throw hostile(entry.path, 'hard link to a directory');
    const target = [...found.path, name].join('/');
    return target;
  }

  /** Walks to a directory, resolving links inside the image and making the directories that are missing. */
  #descend(
    parts: RawName[],
    entryPath: RawName,
  ): { node: DirectoryNode; path: RawName[]; lowerShows: boolean } {
    let chain: { node: DirectoryNode; lowerShows: boolean }[] = [
      { node: this.#root, lowerShows: !this.#root.opaque },
    ];
    let path: RawName[] = [];
    const todo = [...parts];
    let links = 0;
    for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        // Only links bring these; a chroot's root is its own parent.
        path = path.slice(0, -1);
        if (chain.length > 1) chain = chain.slice(0, -1);
        continue;
      }
      const here = chain.at(-1) ?? { node: this.#root, lowerShows: !this.#root.opaque };
      const step = this.#step(here.node, path, name, here.lowerShows, entryPath);
      if (step.type === 'symlink') {
        if (++links > MAX_LINKS) throw hostile(entryPath, 'too many symbolic links in its path');
        if (step.target.startsWith('/')) {
          path = [];
          chain = chain.slice(0, 1);
        }
        todo.unshift(...step.target.split('/'));
        continue;
      }
      path = [...path, name];
      chain = [...chain, { node: step, lowerShows: here.lowerShows && !step.opaque }];
      if (path.length > 512 || path.join('/').length > MAX_PATH_BYTES)
        throw hostile(entryPath, 'too deep after its links are resolved');
    }
    const end = chain.at(-1) ?? { node: this.#root, lowerShows: !this.#root.opaque };
    return { node: end.node, path, lowerShows: end.lowerShows };
  }

  #step(
    parent: DirectoryNode,
    parentPath: RawName[],
    name: RawName,
    lowerShows: boolean,
    entryPath: RawName,
  ): DirectoryNode | { type: 'symlink'; target: RawName } {
    const own = parent.children.get(name);
    const path = [...parentPath, name];
    if (own?.type === 'directory' || own?.type === 'symlink') return own;
    if (own?.type === 'leaf') throw hostile(entryPath, `its parent '${name}' is no directory`);
    const below =
      own?.type !== 'whiteout' && lowerShows ? this.#lower.look(path) : ({ type: 'absent' } as const);
    if (below.type === 'symlink') return below;
    if (below.type === 'other') throw hostile(entryPath, `its parent '${name}' is no directory`);
    const made = directory(below.type === 'directory' ? below.facts : NEW_DIRECTORY);
    made.opaque = own?.type === 'whiteout';
    if (own) this.#emit({ ...BLANK_RECORD, kind: 'remove', path: path.join('/') });
    parent.children.set(name, made);
    this.#emit({ ...BLANK_RECORD, kind: 'directory', path: path.join('/'), mode: S_IFDIR | 0o700 });
    return made;
  }

  /** overlayfs heeds no opaque mark on a layer's own root, so each name below is hidden by itself. */
  #hideAllBelowRoot(): void {
    this.#root.opaque = false;
    for (const name of this.#lower.names([])) {
      const own = this.#root.children.get(name);
      if (own) this.#hideBelow(own);
      else this.#emit({ ...BLANK_RECORD, kind: 'node', path: name, mode: S_IFCHR });
    }
  }

  #hideBelow(node: Node | undefined): void {
    if (node?.type === 'directory') node.opaque = true;
  }

  #attributesOf(entry: TarEntry): DirectoryNode['attributes'] {
    checkXattrs(entry.path, entry.xattrs);
    const { kept, dropped } = keptXattrs(entry.xattrs);
    this.droppedXattrs += dropped;
    return {
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      mtimeSec: entry.mtimeSec,
      mtimeNsec: entry.mtimeNsec,
      xattrs: kept,
    };
  }

  #finishDirectory(node: DirectoryNode, path: RawName, finished: FinishedLayer): void {
    for (const [name, child] of node.children)
      if (child.type === 'directory')
        this.#finishDirectory(child, path === '' ? name : `${path}/${name}`, finished);
    const xattrs = [...node.attributes.xattrs];
    if (xattrs.length > 0) finished.xattrs.set(path, node.attributes.xattrs);
    if (node.opaque) {
      finished.opaque.push(path);
      xattrs.push([OPAQUE_XATTR, Buffer.from('y')]);
    }
    this.#emit({
      ...BLANK_RECORD,
      ...node.attributes,
      kind: 'attributes',
      path,
      mode: S_IFDIR | node.attributes.mode,
      xattrs,
    });
  }
}

function directory(facts: DirectoryFacts): DirectoryNode {
  return {
    type: 'directory',
    children: new Map(),
    opaque: false,
    attributes: { ...facts, mtimeNsec: 0 },
  };
}
