import { isAbsolute, join } from 'node:path';

/** An option's file, as an absolute path: in a matrix it is relative to the matrix file's folder. */
export function hostPath<Path extends string | undefined>(path: Path, folder: string): Path {
  return (path === undefined || isAbsolute(path) ? path : join(folder, path)) as Path;
}

/** The last two components: short, and enough to tell `old/qemu-system-x86_64` from `new/qemu-system-x86_64`. */
export function shortPath(path: string): string {
  return path.split('/').filter(Boolean).slice(-2).join('/');
}
