import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import { packagePath } from '../../results/package-root.ts';
import { nearestWord } from '../matrix/problem.ts';

const LOCAL_FILE = 'bench.matrix.yaml';

/** Names of the matrices that come with Tare. */
export function builtInMatrices(): string[] {
  return readdirSync(packagePath('matrices'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/**
 * The matrix file that `--matrix [what]` means: a path, the name of a built-in, or (without a word) bench.matrix.yaml
 * here if there is one, else the built-in `quick`.
 */
export function findMatrix(what: string | true | undefined): string {
  if (what === undefined || what === true) {
    return existsSync(LOCAL_FILE) ? resolve(LOCAL_FILE) : packagePath('matrices', 'quick.yaml');
  }
  if (existsSync(what)) return resolve(what);
  const names = builtInMatrices();
  if (names.includes(what)) return packagePath('matrices', `${what}.yaml`);
  const near = nearestWord(what, names);
  throw new BenchError('matrix-not-found', `no matrix file and no built-in matrix is called "${what}"`, {
    hint: `${near ? `did you mean "${near}"? ` : ''}built in: ${names.join(', ')}`,
  });
}
