import { createReadStream } from 'node:fs';
import { BenchError } from '../../results/bench-error.ts';
import { analyze, type AnalyzeOptions } from '../../results/import/analyze.ts';
import { importObservations } from '../../results/import/observations.ts';
import type { Analysis } from '../../results/record/analysis.ts';

/** Analyses a file of observations, or standard input when `file` is '-'. Errors: `file-unreadable` and those of import. */
export async function analyzeFile(file: string, options: AnalyzeOptions): Promise<Analysis> {
  const place = file === '-' ? 'standard input' : file;
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
  stream.setEncoding('utf8');
  try {
    return analyze(await importObservations(stream as AsyncIterable<string>, place), place, options);
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (cause instanceof BenchError || (syscall !== 'open' && syscall !== 'read')) throw cause;
    throw new BenchError('file-unreadable', `${place} cannot be read (${code})`, { cause });
  }
}
