import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BenchError, describeError } from '../../results/bench-error.ts';
import { readRun } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { exportFormats } from './catalog.ts';

/** What became of an export: the file, or the text when no file was named. */
export type Written = { path: string; bytes: number } | { path: null; text: string };

/** Exports a run's folder. The summary is worked out afresh: the trials are the truth, summary.json is a copy. */
export async function exportRun(folder: string, id: string, out: string | undefined): Promise<Written> {
  const format = exportFormats.find((one) => one.id === id);
  if (!format)
    throw new BenchError('unknown-format', `there is no format '${id}'`, {
      hint: `one of ${exportFormats.map((one) => one.id).join(', ')}`,
    });
  const run = await readRun(folder);
  const content = await format.write({ ...run, summary: summarize(run) });
  if (out !== undefined) {
    const path = resolve(out);
    await writeWhole(path, content);
    return { path, bytes: Buffer.byteLength(content) };
  }
  if (typeof content !== 'string')
    throw new BenchError('binary-export', `${id} is not text`, { hint: `add --out run.${format.extension}` });
  return { path: null, text: content.replace(/\n$/, '') };
}

/** A reader finds the whole file or none: written beside it, then renamed. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new BenchError('export-write', `${path} could not be written: ${describeError(cause)}`, {
      cause,
      hint: 'does its folder exist, and may you write there?',
    });
  }
}
