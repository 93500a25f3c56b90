import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes allocated below a folder (st_blocks, as du counts), each hard-linked file once. What vanishes meanwhile counts nothing. */
export function diskUsage(folder: string): number {
  const seen = new Set<string>();
  const walk = (path: string): number => {
    try {
      const stat = lstatSync(path);
      const key = `${stat.dev}:${stat.ino}`;
      if (seen.has(key)) return 0;
      if (stat.nlink > 1) seen.add(key);
      const own = stat.blocks * 512;
      if (!stat.isDirectory()) return own;
      return readdirSync(path).reduce((sum, name) => sum + walk(join(path, name)), own);
    } catch {
      return 0;
    }
  };
  return walk(folder);
}
