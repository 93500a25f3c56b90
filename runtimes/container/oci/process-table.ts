import { execa } from 'execa';

const PS_LIMIT_MS = 10_000;

/** What the host's `ps` says of these processes: its head, and the rows whose PID column is one of them. */
export async function processTable(pids: readonly number[], psOptions: readonly string[]): Promise<string> {
  const words = psOptions.length > 0 ? [...psOptions] : ['-ef'];
  const { stdout } = await execa('ps', words, { timeout: PS_LIMIT_MS, stdin: 'ignore' });
  return rowsOf(stdout, pids);
}

/** Pure: the lines of `ps` whose PID column is one of ours, below its head. */
export function rowsOf(ps: string, pids: readonly number[]): string {
  const [head = '', ...rows] = ps.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  const ours = rows.filter((row) => pids.includes(Number(row.trim().split(/\s+/)[column])));
  return [head, ...ours].join('\n');
}
