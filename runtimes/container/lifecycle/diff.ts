import { closeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureLayerTool } from '../images/native/build-layer-tool.ts';
import { scanTree } from '../images/native/layer-tool.ts';
import { S_IFCHR, S_IFMT, type LayerRecord } from '../images/layer/record.ts';
import { openImageRoot } from './open-root.ts';
import type { ContainerRecord } from './record.ts';

/** A: not in the image. C: changed. D: taken away. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  path: string;
}

/** What a container changed of its image's files. What the runtime made to mount something on it is nobody's change. */
export async function containerDiff(record: ContainerRecord): Promise<Change[]> {
  const tool = await ensureLayerTool(record.cacheDir);
  const records = await scanTree(tool, join(record.dataFolder, 'upper'));
  const below = await openImageRoot(record.request.layers, join(record.dataFolder, 'diff'), record.cacheDir);
  try {
    const exists = (path: string): boolean => {
      const found = below.inside.find(path, 'none');
      if (found) closeSync(found.fd);
      return found !== undefined;
    };
    return changesOf(records, exists, [
      ...STANDARD_MOUNTS,
      ...record.request.mounts.map((each) => each.destination),
    ]);
  } finally {
    await below.close();
  }
}

/** Where every container gets something mounted. */
const STANDARD_MOUNTS = ['/proc', '/sys', '/dev', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

/** Pure: the listing of an upper folder against what is below it. */
export function changesOf(
  records: readonly LayerRecord[],
  exists: (path: string) => boolean,
  mounts: readonly string[],
): Change[] {
  const named = records
    .filter((each) => each.path !== '')
    .map((each) => ({ each, path: `/${Buffer.from(each.path, 'latin1').toString('utf8')}` }));
  const isStub = (path: string): boolean => mounts.includes(path) && !exists(path);
  const kept = named.filter(({ path }) => !isStub(path));
  const stubParents = new Set(named.filter(({ path }) => isStub(path)).map(({ path }) => dirname(path)));
  return kept.flatMap(({ each, path }): Change[] => {
    if ((each.mode & S_IFMT) === S_IFCHR && each.devMajor === 0 && each.devMinor === 0)
      return [{ kind: 'D', path }];
    // A folder that is in the upper layer only because of a stub in it.
    const within = kept.some((other) => other.path.startsWith(`${path}/`));
    if (each.kind === 'directory' && stubParents.has(path) && !within) return [];
    return [{ kind: exists(path) ? 'C' : 'A', path }];
  });
}
