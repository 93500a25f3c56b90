import { closest, distance } from 'fastest-levenshtein';
import { BenchError } from '../../../../results/bench-error.ts';

/** Where in which file. */
export interface Place {
  file: string;
  line: number;
}

export function dockerfileError(place: Place, message: string, hint?: string): BenchError {
  return new BenchError('bad-dockerfile', `${place.file}:${place.line}: ${message}`, { hint });
}

/** A hint with the word that was probably meant; undefined when none is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(word, [...known]);
  // A third of the letters wrong is a slip (two letters swapped count as two); more is another word.
  const slips = Math.max(nearest.length > 3 ? 2 : 1, Math.floor(nearest.length / 3));
  return distance(word, nearest) <= slips ? `did you mean ${nearest}?` : undefined;
}
