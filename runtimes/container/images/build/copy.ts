import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { globPattern, type DockerIgnore } from '../dockerfile/docker-ignore.ts';
import type { LayerStack } from '../layer/lower-view.ts';
import type { PackItem } from '../layer/pack.ts';
import { member, typeOf } from '../layer/upper-diff.ts';
import { WHITEOUT_PREFIX } from '../layer/whiteout.ts';
import { nameForPeople, rawFromText, type RawName } from '../tar/entry.ts';
import type { TarMember } from '../tar/writer.ts';
import type { Owner } from './accounts.ts';
import type { ModeChange } from './file-mode.ts';
import { resolveInside } from './image-path.ts';
import { isCopyable, type SourceTree } from './source-tree.ts';

export interface CopyRequest {
  sources: string[];
  /** Files that come from no tree. */
  loose: readonly LooseFile[];
  target: string;
  workdir: string;
  owner: Owner | undefined;
  mode: ModeChange | undefined;
  /** What the sources leave behind, by paths beneath each. */
  exclude: DockerIgnore;
  /** Sources keep their folders; those before a part `.` are left out. */
  parents: boolean;
  place: Place;
  /** For directories that had to be made, seconds since the epoch. */
  madeSec: number;
}

/** A file on the host that goes by a name of its own: a here-document, or what was fetched. */
export interface LooseFile {
  path: string;
  name: RawName;
  size: number;
  mode: number;
  mtimeSec: number;
}

/** What ADD does with an archive instead of copying it; undefined when the file is none. */
export type Expand = (content: Buffer, target: RawName[]) => Promise<PackItem[] | undefined>;

/**
 * The members of the layer that a COPY or ADD makes. `image` is the tree it is copied into: links in the destination are
 * followed inside it, and an existing directory is copied into, not over.
 */
export async function copyItems(
  request: CopyRequest,
  source: SourceTree,
  image: LayerStack,
  expandArchive?: Expand,
): Promise<PackItem[]> {
  const { place } = request;
  const found = request.sources.flatMap((pattern) =>
    matches(source, pattern, place).map((path) => ({
      path,
      // The folders it keeps below the destination.
      kept: request.parents ? path.slice(partsBeforePivot(pattern), -1) : [],
    })),
  );
  const raw = rawFromText(request.target);
  const absolute = raw.startsWith('/') ? raw : `${rawFromText(request.workdir)}/${raw}`;
  const { path: target, sight } = resolveInside(image, absolute);
  const intoDirectory = /(?:^|\/)\.{0,2}$/.test(request.target) || sight.type === 'directory';
  if (found.length + request.loose.length > 1 && !intoDirectory)
    throw dockerfileError(
      place,
      `several sources need a directory as destination: write '${request.target}/'`,
    );
  const items: PackItem[] = [];
  const made = new Set<string>();
  const copier = new Copier(request, source, items);
  for (const { path, kept } of found) {
    const name = path.at(-1);
    const { record, content } = source.entry(path);
    const under = [...target, ...kept];
    if (record.kind !== 'directory' && name !== undefined && request.exclude.ignores(nameForPeople(name)))
      continue;
    if (record.kind === 'directory') {
      if (sight.type === 'other')
        throw dockerfileError(place, `cannot copy a directory onto the file '${request.target}'`);
      const into = request.parents && name !== undefined ? [...under, name] : target;
      makeParents(image, into, request, items, made);
      copier.children(path, into);
      continue;
    }
    const expanded = await expandArchive?.(content, target);
    if (expanded) {
      makeParents(image, target, request, items, made);
      items.push(...expanded);
      continue;
    }
    const destination = (intoDirectory || request.parents) && name !== undefined ? [...under, name] : target;
    if (destination.length === 0) throw dockerfileError(place, 'cannot copy a file onto /');
    makeParents(image, destination.slice(0, -1), request, items, made);
    copier.file(path, destination);
  }
  for (const file of request.loose) {
    const destination = intoDirectory ? [...target, file.name] : target;
    if (destination.length === 0 || destination.at(-1) === '')
      throw dockerfileError(place, `'${request.target}' names no file`);
    makeParents(image, destination.slice(0, -1), request, items, made);
    items.push({ member: looseMember(file, destination, request), content: Buffer.from(file.path) });
  }
  return items;
}

function looseMember(file: LooseFile, destination: RawName[], { owner, mode }: CopyRequest): TarMember {
  return {
    ...newDirectory(destination.join('/'), owner, file.mtimeSec),
    type: 'file',
    mode: mode ? mode(file.mode, false) : file.mode,
    size: file.size,
  };
}

/** How many parts of a `--parents` source stand before its part `.`, if one does: `a/./b` keeps b only. */
function partsBeforePivot(pattern: string): number {
  const pivot = pattern.indexOf('/./');
  return pivot < 0
    ? 0
    : pattern
        .slice(0, pivot)
        .split('/')
        .filter((part) => part !== '' && part !== '.').length;
}

/** Canonical source paths that a pattern means, in order of name; a link given by name is followed inside the source. */
function matches(source: SourceTree, pattern: string, place: Place): RawName[][] {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  let depth = 0;
  for (const part of parts) {
    depth += part === '..' ? -1 : 1;
    if (depth < 0)
      throw dockerfileError(
        place,
        `'${pattern}' leads out of ${source.what}`,
        'copy it into the context first',
      );
  }
  let heads: RawName[][] = [[]];
  for (const part of parts) {
    if (part === '..') {
      heads = heads.map((head) => head.slice(0, -1));
      continue;
    }
    if (!/[*?[\\]/.test(part)) {
      heads = heads.map((head) => resolveInside(source.view, [...head, rawFromText(part)].join('/')).path);
      continue;
    }
    const glob = globPattern(part);
    heads = heads
      .map((head) => resolveInside(source.view, head.join('/')).path)
      .flatMap((head) =>
        source.view
          .names(head)
          .filter((name) => glob.test(nameForPeople(name)))
          .map((name) => [...head, name]),
      );
  }
  const there = heads.filter((path) => source.view.look(path).type !== 'absent' && !hidden(source, path));
  if (there.length === 0) {
    const ignored = heads.some((path) => source.view.look(path).type !== 'absent');
    throw dockerfileError(
      place,
      `'${pattern}' is not in ${source.what}`,
      ignored ? '.dockerignore leaves it out' : undefined,
    );
  }
  return there;
}

/** A directory that is ignored may still hold files that are not. */
function hidden(source: SourceTree, path: RawName[]): boolean {
  return source.ignores(path) && source.view.look(path).type !== 'directory';
}

function makeParents(
  image: LayerStack,
  path: RawName[],
  request: CopyRequest,
  items: PackItem[],
  made: Set<string>,
): void {
  for (let depth = 1; depth <= path.length; depth++) {
    const parent = path.slice(0, depth);
    const key = parent.join('/');
    if (made.has(key) || image.look(parent).type === 'directory') continue;
    made.add(key);
    items.push({ member: newDirectory(key, request.owner, request.madeSec), content: null });
  }
}

export function newDirectory(path: RawName, owner: Owner | undefined, madeSec: number): TarMember {
  return {
    type: 'directory',
    path,
    linkTarget: '',
    mode: 0o755,
    uid: owner?.uid ?? 0,
    gid: owner?.gid ?? 0,
    mtimeSec: madeSec,
    size: 0,
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    segments: null,
  };
}

/** Copies files and trees; names of one inode stay hard links. */
class Copier {
  readonly #request: CopyRequest;
  readonly #source: SourceTree;
  readonly #items: PackItem[];
  readonly #firstName = new Map<string, RawName>();

  constructor(request: CopyRequest, source: SourceTree, items: PackItem[]) {
    this.#request = request;
    this.#source = source;
    this.#items = items;
  }

  children(path: RawName[], target: RawName[], depth = path.length): void {
    for (const name of this.#source.view.names(path)) this.#any([...path, name], [...target, name], depth);
  }

  file(path: RawName[], target: RawName[]): void {
    const { record, content } = this.#source.entry(path);
    if (!isCopyable(record)) return;
    const name = target.at(-1) ?? '';
    if (name.startsWith(WHITEOUT_PREFIX))
      throw dockerfileError(
        this.#request.place,
        `'${nameForPeople(name)}' cannot be kept in an image: names in .wh. mean deletion there`,
      );
    const key = target.join('/');
    const first = record.nlink > 1 ? this.#firstName.get(record.inode) : undefined;
    if (first !== undefined) {
      this.#items.push({
        member: this.#owned(member(record, key, 'hardlink', { linkTarget: first, xattrs: [] })),
        content: null,
      });
      return;
    }
    this.#firstName.set(record.inode, key);
    const entry = this.#owned(member(record, key, typeOf(record)));
    this.#items.push({ member: entry, content: entry.type === 'file' ? content : null });
  }

  /** @param depth parts of the path that lead to the source itself. */
  #any(path: RawName[], target: RawName[], depth: number): void {
    const directory = this.#source.view.look(path).type === 'directory';
    const ignored =
      this.#source.ignores(path) || this.#request.exclude.ignores(nameForPeople(path.slice(depth).join('/')));
    if (!directory) {
      if (!ignored) this.file(path, target);
      return;
    }
    const at = this.#items.length;
    const { record } = this.#source.entry(path);
    if (!ignored)
      this.#items.push({ member: this.#owned(member(record, target.join('/'), 'directory')), content: null });
    this.children(path, target, depth);
    // An ignored directory comes along only when something in it was taken back in.
    if (ignored && this.#items.length > at)
      this.#items.splice(at, 0, {
        member: this.#owned(member(record, target.join('/'), 'directory')),
        content: null,
      });
  }

  #owned(entry: TarMember): TarMember {
    const { owner, mode } = this.#request;
    const kept = this.#source.keepsOwners ? { uid: entry.uid, gid: entry.gid } : { uid: 0, gid: 0 };
    return {
      ...entry,
      ...(owner ?? kept),
      mode: mode && entry.type !== 'symlink' ? mode(entry.mode, entry.type === 'directory') : entry.mode,
    };
  }
}
