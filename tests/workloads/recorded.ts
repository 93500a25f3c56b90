import { readdirSync, readFileSync } from 'node:fs';
import { packagePath } from '../../results/package-root.ts';
import type { ToolOutput } from '../../workloads/tool-output.ts';

const folder = packagePath('tests', 'fixtures', 'samples');

/**
 * A real output of a real tool, as recorded: the command on the first line, then stdout, then `--- stderr` where there was
 * any, then `--- exit N`. Exit 124 is `timeout`, which the harness sees as its own time-out.
 */
export function recorded(name: string): ToolOutput & { command: string } {
  const text = readFileSync(`${folder}/${name}.txt`, 'utf8');
  const match = /^\$ (.*)\n([\s\S]*?)(?:^--- stderr\n([\s\S]*?))?^--- exit (\d+)\s*$/m.exec(text);
  if (!match) throw new Error(`${name}: not a recorded output`);
  const exitCode = Number(match[4]);
  return {
    command: match[1]!,
    stdout: match[2]!,
    stderr: match[3] ?? '',
    exitCode,
    signal: null,
    timedOut: exitCode === 124,
  };
}

/** The names of the recordings that begin so. */
export function recordings(prefix: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.txt'))
    .map((file) => file.slice(0, -'.txt'.length))
    .sort();
}
