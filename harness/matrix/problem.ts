import { closest } from 'fastest-levenshtein';
import { BenchError } from '../../results/bench-error.ts';

/** One thing wrong with a matrix file: where (a path into the YAML), what, and what would be right. */
export interface Problem {
  path: PropertyKey[];
  /** True when the key at the path is at fault, not its value. */
  atKey?: boolean;
  message: string;
  /** Valid words, for "did you mean". */
  valid?: string[];
  given?: string;
}

/** "did you mean" only when it is near enough to be meant. */
export function nearestWord(word: string, valid: readonly string[]): string | undefined {
  if (valid.length === 0) return undefined;
  const best = closest(word, [...valid]);
  const shared = [...new Set(word)].filter((letter) => best.includes(letter)).length;
  return shared * 2 >= new Set(word).size && Math.abs(best.length - word.length) <= Math.max(3, word.length)
    ? best
    : undefined;
}

/** One message that names every problem with file:line:col, what was expected, and the nearest valid word. */
export function matrixError(
  file: string,
  problems: Problem[],
  locate: (problem: Problem) => string,
): BenchError {
  const lines = problems.map((problem) => {
    const near = problem.given === undefined ? undefined : nearestWord(problem.given, problem.valid ?? []);
    const valid = problem.valid?.length ? `; expected one of: ${problem.valid.join(', ')}` : '';
    return `${file}:${locate(problem)}: ${problem.message}${near ? `; did you mean "${near}"?` : ''}${valid}`;
  });
  return new BenchError('matrix-invalid', lines.join('\n'), {
    hint: 'mend the file and run again; matrices/quick.yaml is a complete example',
  });
}
