import { BenchError } from '../../../../results/bench-error.ts';
import { nameForPeople, type EntryType, type RawName } from '../tar/entry.ts';
import { BLOCK } from '../tar/header.ts';
import type { TarMember } from '../tar/writer.ts';
import { hostPath } from './lower-view.ts';
import type { PackItem } from './pack.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK, type LayerRecord } from './record.ts';
import { OPAQUE_MARKER, OVERLAY_XATTR_PREFIXES, WHITEOUT_PREFIX } from './whiteout.ts';

/** Attributes by which overlayfs refers to content that is not in the upper directory at all. */
const NOT_SELF_CONTAINED = ['overlay.redirect', 'overlay.metacopy'];

/**
 * Turns the listing of an overlay's upper directory into the members of a layer: overlayfs's whiteouts and opaque marks become
 * OCI's, its own attributes go, names of one inode become hard links, sockets are left out (they can't be archived). Order is
 * the listing's, which is by name, so the same changes give the same layer.
 */
export function upperDiff(tree: string, records: readonly LayerRecord[]): PackItem[] {
  const items: PackItem[] = [];
  const firstName = new Map<string, RawName>();
  for (const record of records) {
    const type = record.mode & S_IFMT;
    // The root is in every upper directory, changed or not.
    if (record.path === '') {
      if (isOpaque(record)) items.push(plain(member(record, OPAQUE_MARKER, 'file', { mode: 0o600 })));
      continue;
    }
    const { parent, name } = split(record.path);
    if (type === S_IFCHR && record.devMajor === 0 && record.devMinor === 0) {
      items.push(
        plain(member(record, `${parent}${WHITEOUT_PREFIX}${name}`, 'file', { mode: 0o600, xattrs: [] })),
      );
      continue;
    }
    if (name.startsWith(WHITEOUT_PREFIX))
      throw new BenchError(
        'image-file-name',
        `'${nameForPeople(record.path)}' cannot be kept in a layer: names in .wh. mean deletion there`,
      );
    if (type === S_IFSOCK) continue;
    const first = record.nlink > 1 && record.kind !== 'directory' ? firstName.get(record.inode) : undefined;
    if (first !== undefined) {
      items.push(plain(member(record, record.path, 'hardlink', { linkTarget: first, xattrs: [] })));
      continue;
    }
    firstName.set(record.inode, record.path);
    const entry = member(record, record.path, typeOf(record));
    items.push({ member: entry, content: entry.type === 'file' ? hostPath(tree, record.path) : null });
    if (record.kind === 'directory' && isOpaque(record))
      items.push(
        plain(member(record, `${record.path}/${OPAQUE_MARKER}`, 'file', { mode: 0o600, xattrs: [] })),
      );
  }
  return items;
}

/** A listed entry as a tar member under another name. Whole seconds, as every other packer of layers writes. */
export function member(
  record: LayerRecord,
  path: RawName,
  type: EntryType,
  change: Partial<TarMember> = {},
): TarMember {
  const file = type === 'file' && record.kind === 'file';
  return {
    type,
    path,
    linkTarget: type === 'symlink' ? record.linkTarget : '',
    mode: record.mode & 0o7777,
    uid: record.uid,
    gid: record.gid,
    mtimeSec: record.mtimeSec,
    size: file ? record.size : 0,
    devMajor: record.devMajor,
    devMinor: record.devMinor,
    xattrs: contentXattrs(record),
    segments: file && inWholeBlocks(record) ? record.segments : null,
    ...change,
  };
}

/**
 * GNU tar begins each stretch of data at a block of its own, Go's reader does not: only stretches of whole blocks (but for the
 * last) mean the same to both. File systems give nothing else; should one, the file is stored without holes.
 */
function inWholeBlocks({ segments, size }: LayerRecord): boolean {
  return (segments ?? []).every(({ offset, length }) => length % BLOCK === 0 || offset + length === size);
}

/** The tar type of a listed entry. */
export function typeOf(record: LayerRecord): EntryType {
  if (record.kind === 'directory' || record.kind === 'file' || record.kind === 'symlink') return record.kind;
  const node = { [S_IFCHR]: 'char', [S_IFBLK]: 'block', [S_IFIFO]: 'fifo' } as const;
  const type = node[(record.mode & S_IFMT) as keyof typeof node];
  if (type === undefined) throw new Error(`mode ${record.mode.toString(8)} cannot be archived`);
  return type;
}

function contentXattrs(record: LayerRecord): LayerRecord['xattrs'] {
  for (const [name] of record.xattrs)
    if (NOT_SELF_CONTAINED.some((suffix) => name === `trusted.${suffix}` || name === `user.${suffix}`))
      throw new BenchError(
        'image-overlay-mount',
        `'${nameForPeople(record.path)}' was changed by reference only (${name})`,
        { hint: 'the overlay of a build step must be mounted with redirect_dir=off,metacopy=off' },
      );
  return record.xattrs.filter(([name]) => !OVERLAY_XATTR_PREFIXES.some((prefix) => name.startsWith(prefix)));
}

/** overlayfs marks a directory made over a deleted one with "y". */
export function isOpaque(record: LayerRecord): boolean {
  return record.xattrs.some(
    ([name, value]) =>
      (name === 'trusted.overlay.opaque' || name === 'user.overlay.opaque') && value.toString() === 'y',
  );
}

function plain(entry: TarMember): PackItem {
  return { member: { ...entry, size: 0, segments: null }, content: null };
}

function split(path: RawName): { parent: RawName; name: RawName } {
  const slash = path.lastIndexOf('/');
  return { parent: path.slice(0, slash + 1), name: path.slice(slash + 1) };
}
