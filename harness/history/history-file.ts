import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { historyPointSchema, type HistoryPoint } from '../../results/record/history.ts';
import { MAX_JOURNAL_BYTES, MAX_LINE_BYTES } from '../../results/store/defaults.ts';
import { parseRecord } from '../../results/store/guarded-file.ts';
import { readLineBatches } from '../../results/store/lines.ts';
import { quickCheck } from '../../results/store/quick-check.ts';

/** Points read, and what was forgiven. */
export interface History {
  points: HistoryPoint[];
  warnings: string[];
}

/**
 * Reads a history: one JSON lines file, or every *.jsonl of a folder. Refuses with file:line what does not fit
 * (`bad-json`, `bad-record`, `newer-schema`); forgives a last line that was cut off.
 */
export async function readHistory(path: string): Promise<History> {
  const points: HistoryPoint[] = [];
  const warnings: string[] = [];
  const fits = quickCheck(historyPointSchema);
  for (const file of await filesOf(path)) {
    for await (const lines of readLineBatches(file, MAX_JOURNAL_BYTES, MAX_LINE_BYTES))
      for (const { number, text, ended } of lines) {
        const place = `${file}:${number}`;
        try {
          points.push(parseRecord(text, historyPointSchema, 'history', place, fits));
        } catch (error) {
          if (ended || !(error instanceof BenchError) || error.code !== 'bad-json') throw error;
          warnings.push(`${place}: the last line was cut off and is left out`);
        }
      }
  }
  return { points, warnings };
}

/** Appends points in one write and syncs. A run that is in the file already is refused (`history-has-run`). */
export async function appendHistory(path: string, points: readonly HistoryPoint[]): Promise<void> {
  const known = await readHistory(path).catch((error: unknown) => {
    if (error instanceof BenchError && error.code === 'file-missing') return { points: [], warnings: [] };
    throw error;
  });
  if (known.warnings.length > 0)
    throw new BenchError('history-torn', known.warnings.join('; '), {
      hint: 'remove the broken last line first',
    });
  const twice = points.find(({ run, machine }) =>
    known.points.some((point) => point.run === run && point.machine === machine),
  );
  if (twice) throw new BenchError('history-has-run', `${path} holds run ${twice.run} already`);
  const handle = await open(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
    0o644,
  );
  try {
    await handle.appendFile(points.map((point) => `${JSON.stringify(point)}\n`).join(''));
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.jsonl')).sort();
  if (names.length === 0) throw new BenchError('file-missing', `${path} holds no *.jsonl`);
  return names.map((name) => join(path, name));
}
