import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { ExportFormat } from './format.ts';
import { TIDY_COLUMNS, tidyRows, type TidyRow } from './tidy-rows.ts';

/** The tidy table as Apache Parquet, written by DuckDB, which is loaded only here: it is large and seldom needed. */
export const parquet: ExportFormat = {
  id: 'parquet',
  summary: 'the tidy table in columns (DuckDB, pandas, Spark)',
  extension: 'parquet',
  write: async (run) => {
    const { DuckDBInstance } = await import('@duckdb/node-api').catch((cause: unknown) => {
      throw new BenchError('no-duckdb', 'Parquet is written by DuckDB, which is not installed here', {
        cause,
        hint: 'npm install @duckdb/node-api, or export as csv',
      });
    });
    const folder = await mkdtemp(join(tmpdir(), 'tare-parquet-'));
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    try {
      const columns = Object.entries(TIDY_COLUMNS);
      await connection.run(
        `CREATE TABLE samples (${columns.map(([name, type]) => `"${name}" ${type}`).join(', ')})`,
      );
      const appender = await connection.createAppender('samples');
      for (const row of tidyRows(run)) {
        for (const [name, type] of columns) {
          const value = row[name as keyof TidyRow];
          if (type === 'INTEGER') appender.appendInteger(value as number);
          else if (type === 'DOUBLE') appender.appendDouble(value as number);
          else if (type === 'BOOLEAN') appender.appendBoolean(value as boolean);
          else appender.appendVarchar(value as string);
        }
        appender.endRow();
      }
      appender.flushSync();
      appender.closeSync();
      const file = join(folder, 'samples.parquet');
      await connection.run(
        `COPY samples TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
      );
      return await readFile(file);
    } finally {
      connection.closeSync();
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
