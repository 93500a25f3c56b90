import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';

/**
 * DuckDB over a history (or any JSON lines of ours): loaded only here, because it is large and most people never ask.
 * The lines are the view `history`; `sql` may be any query over it. Errors: `history-duckdb-missing`, `bad-query`.
 */
export async function queryHistory(path: string, sql: string): Promise<Record<string, unknown>[]> {
  return withHistory(path, async (run) => run(sql));
}

/** Writes the history as one Parquet file. */
export async function exportParquet(path: string, target: string): Promise<void> {
  await withHistory(path, async (run) => run(`COPY history TO ${literal(resolve(target))} (FORMAT parquet)`));
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

async function withHistory<T>(path: string, use: (run: Query) => Promise<T>): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((cause: unknown) => {
    throw new BenchError('history-duckdb-missing', 'DuckDB is not installed', {
      cause,
      hint: 'npm install @duckdb/node-api',
    });
  });
  const found = await stat(path).catch(() => null);
  if (!found) throw new BenchError('file-missing', `${path} does not exist`);
  if (found.isDirectory() && !(await readdir(path)).some((name) => name.endsWith('.jsonl')))
    throw new BenchError('file-missing', `${path} holds no *.jsonl`);
  const source = literal(found.isDirectory() ? join(resolve(path), '*.jsonl') : resolve(path));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const run: Query = async (sql) => {
    const reader = await connection.runAndReadAll(sql).catch((cause: unknown) => {
      throw new BenchError('bad-query', `DuckDB: ${(cause as Error).message}`, { cause });
    });
    return reader.getRowObjectsJson();
  };
  try {
    await run(`CREATE VIEW history AS SELECT * FROM read_json_auto(${source}, format = 'newline_delimited')`);
    return await use(run);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
