import { readFileSync } from 'node:fs';

/** Reads a small kernel file; passed in, so that policies can be tested against a made-up machine. */
export type ReadText = (path: string) => string | null;

/**
 * A file of /proc or /sys as text, without the last newline; null when it is not there or may not be read. Synchronous:
 * these files are answered from memory, and a read at once is closer to the moment than one after a turn of the loop.
 */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
};
