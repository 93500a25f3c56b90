import { BenchError } from '../../../../results/bench-error.ts';
import { nameForPeople, type RawName } from '../tar/entry.ts';

/** Linux's NAME_MAX and PATH_MAX (less the NUL). */
export const MAX_NAME_BYTES = 255;
export const MAX_PATH_BYTES = 4095;
/** Deeper than any real tree; bounds recursion and open descriptors. */
export const MAX_DEPTH = 256;

export function hostile(path: RawName, why: string): BenchError {
  return new BenchError('image-layer-hostile', `layer entry '${nameForPeople(path)}': ${why}`, {
    hint: 'the layer is broken or made to do harm; nothing of it was kept',
  });
}

/**
 * The components of an entry's path. A leading `/` or `./` means the layer's root, as in every other unpacker; `..` is refused
 * wherever it stands, since no honest archiver writes it.
 */
export function components(path: RawName): RawName[] {
  if (path.includes('\0')) throw hostile(path, 'holds a NUL byte');
  if (path.length > MAX_PATH_BYTES) throw hostile(path.slice(0, 100), 'path too long');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw hostile(path, "'..' leads out of the layer");
  if (parts.length > MAX_DEPTH) throw hostile(path.slice(0, 100), `more than ${MAX_DEPTH} directories deep`);
  for (const part of parts) if (part.length > MAX_NAME_BYTES) throw hostile(path, 'name too long');
  return parts;
}
