import type { LayerLimits } from '../defaults.ts';
import type { RawName, TarEntry } from '../tar/entry.ts';
import { hostile } from './layer-path.ts';
import { OVERLAY_XATTR_PREFIXES } from './whiteout.ts';

/**
 * Device nodes that every system has and that give nobody anything: console, null, ptmx, zero, full, random, urandom, tty.
 * mmdebstrap and debootstrap put them into their tarballs. Any other (a disk, /dev/mem) has no place in an image, and char
 * 0:0 would be a whiteout smuggled past the `.wh.` rules.
 */
const HARMLESS_DEVICES = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2']);

export function requireHarmlessNode(entry: TarEntry): void {
  if (entry.type === 'fifo') return;
  const number = `${entry.devMajor}:${entry.devMinor}`;
  if (entry.type === 'char' && HARMLESS_DEVICES.has(number)) return;
  throw hostile(entry.path, `${entry.type} device ${number} is not let in`);
}

/**
 * Attributes that only mean something on the machine they come from, or that steer overlayfs itself: redirects and "metacopy"
 * smuggled in by a layer would make it show other files than the layer holds.
 */
const LOCAL_XATTRS = [
  'security.selinux',
  'security.ima',
  'security.evm',
  'security.nfs4_acl',
  'system.nfs4_acl',
];

/** Splits attributes into those that are kept and a count of those that are not. */
export function keptXattrs(xattrs: TarEntry['xattrs']): { kept: TarEntry['xattrs']; dropped: number } {
  const kept = xattrs.filter(
    ([name]) =>
      !LOCAL_XATTRS.includes(name) && !OVERLAY_XATTR_PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
  return { kept, dropped: xattrs.length - kept.length };
}

/** Linux's own limits on one attribute (XATTR_NAME_MAX, XATTR_SIZE_MAX) and ours on their number. */
const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 65536;
const MAX_XATTRS = 256;

export function checkXattrs(path: RawName, xattrs: TarEntry['xattrs']): void {
  if (xattrs.length > MAX_XATTRS) throw hostile(path, 'too many extended attributes');
  let total = 0;
  for (const [name, value] of xattrs) {
    total += name.length + value.length + 8;
    if (name === '' || name.length > MAX_XATTR_NAME || name.includes('\0') || value.length > MAX_XATTR_VALUE)
      throw hostile(path, 'malformed extended attribute');
  }
  if (total > 2 ** 20) throw hostile(path, 'extended attributes too large');
}

/** Counts what a layer takes and stops it at the limits. */
export class LayerBudget {
  entries = 0;
  bytes = 0;
  readonly #limits: LayerLimits;

  constructor(limits: LayerLimits) {
    this.#limits = limits;
  }

  charge(entry: TarEntry): void {
    this.entries += 1;
    this.bytes += entry.dataLength;
    const { maxEntries, maxBytes, maxFileBytes } = this.#limits;
    if (this.entries > maxEntries) throw hostile(entry.path, `more than ${maxEntries} entries in one layer`);
    if (this.bytes > maxBytes) throw hostile(entry.path, `more than ${maxBytes} bytes in one layer`);
    if (entry.size > maxFileBytes) throw hostile(entry.path, `a file of more than ${maxFileBytes} bytes`);
    for (const id of [entry.uid, entry.gid])
      if (id >= 2 ** 32 - 1) throw hostile(entry.path, `owner ${id} is no user`);
    if (entry.devMajor >= 2 ** 12 || entry.devMinor >= 2 ** 20) throw hostile(entry.path, 'no such device');
  }

  /** Called as decompression goes on, before anything is written. */
  checkRatio(compressed: number, decompressed: number): void {
    const { maxRatio, ratioFromBytes, maxBytes } = this.#limits;
    // Headers and padding come on top of contents: 2 KiB for each entry is more than any honest layer needs.
    if (decompressed > maxBytes + this.entries * 2048 + 2 ** 20)
      throw hostile('(archive)', `decompresses to more than ${maxBytes} bytes`);
    if (decompressed > ratioFromBytes && decompressed > compressed * maxRatio)
      throw hostile('(archive)', `decompresses to more than ${maxRatio} times its size`);
  }
}
