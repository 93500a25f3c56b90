import type { RawName } from '../tar/entry.ts';
import { hostile } from './layer-path.ts';

/** OCI image specification, layer.md, "Whiteouts". */
export const WHITEOUT_PREFIX = '.wh.';
export const OPAQUE_MARKER = '.wh..wh..opq';
/** What overlayfs knows as the same thing (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"). */
export const OPAQUE_XATTR = 'trusted.overlay.opaque';
export const OVERLAY_XATTR_PREFIXES = ['trusted.overlay.', 'user.overlay.'];

export type Whiteout = { kind: 'none' } | { kind: 'opaque' } | { kind: 'whiteout'; name: RawName };

/** What the last component of a layer entry's path says. */
export function whiteoutOf(name: RawName, path: RawName): Whiteout {
  if (!name.startsWith(WHITEOUT_PREFIX)) return { kind: 'none' };
  if (name === OPAQUE_MARKER) return { kind: 'opaque' };
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  // `.wh.` alone, `.wh..` and `.wh...` would hide the directory itself, or the one above it.
  if (hidden === '' || hidden === '.' || hidden === '..')
    throw hostile(path, 'whiteout of its own directory');
  // aufs's own files (.wh..wh.plnk, .wh..wh.aufs …) mean nothing elsewhere, but nobody writes them any more.
  if (hidden.startsWith(WHITEOUT_PREFIX)) throw hostile(path, 'unknown whiteout marker');
  return { kind: 'whiteout', name: hidden };
}
