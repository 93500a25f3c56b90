import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { readRuns } from './published-run.ts';
import { siteFiles } from './site-files.ts';

/** What publishing did. */
export interface Publication {
  folder: string;
  runs: number;
  written: string[];
  removed: string[];
  unchanged: number;
}

/** Files and folders the site owns below its folder; nothing else there is touched. */
const OWNED = ['runs', 'trends', 'badges', 'compare'];

/**
 * Writes the site of these runs. Only what changes is written: a page whose run and version are those of last time is not
 * even drawn again. Pages of runs that are no longer named are removed. A folder that holds something else is refused.
 */
export async function publish(
  runPaths: readonly string[],
  to: string,
  siteUrl: string | null,
): Promise<Publication> {
  const folder = resolve(to);
  const before = await readIndex(folder);
  const runs = await readRuns(runPaths);
  const files = siteFiles(runs, siteUrl === null ? null : siteUrl.replace(/\/*$/, '/'));
  const written: string[] = [];
  let unchanged = 0;
  for (const file of files) {
    const path = join(folder, file.path);
    const old = await readFile(path, 'utf8').catch(() => null);
    if (old !== null && file.source !== null && before.sources.get(file.path) === file.source) {
      unchanged++;
      continue;
    }
    const content = await file.content();
    if (content === old) {
      unchanged++;
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    await writeFile(partial, content);
    await rename(partial, path);
    written.push(file.path);
  }
  const removed = await removeStale(folder, new Set(files.map((file) => file.path)));
  return { folder, runs: runs.length, written, removed, unchanged };
}

async function readIndex(folder: string): Promise<{ sources: Map<string, string> }> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (names.length === 0) return { sources: new Map() };
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch(() => '');
  try {
    const index = JSON.parse(text) as { schema?: unknown; runs?: { page?: unknown; source?: unknown }[] };
    if (index.schema === 'tare.site/1')
      return { sources: new Map((index.runs ?? []).map((run) => [String(run.page), String(run.source)])) };
  } catch {
    // Not an index of ours: refused below.
  }
  throw new BenchError('not-a-site', `${folder} is not empty and holds no site of Tare`, {
    hint: 'name a new or empty folder with --to',
  });
}

async function removeStale(folder: string, wanted: ReadonlySet<string>): Promise<string[]> {
  const removed: string[] = [];
  for (const owned of OWNED) {
    const entries = await readdir(join(folder, owned), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
      if (wanted.has(path)) continue;
      await rm(join(folder, path));
      await rmdir(dirname(join(folder, path))).catch(() => undefined);
      removed.push(path);
    }
  }
  return removed.sort();
}
