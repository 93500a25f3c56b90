import { BenchError } from '../bench-error.ts';
import { openGuarded } from './guarded-file.ts';

export interface Line {
  /** Counted from 1. */
  number: number;
  text: string;
  /** False for a last line that does not end in a newline. */
  ended: boolean;
}

/** The lines of a guarded file one by one; `readLineBatches` is the faster way through many. */
export async function* readLines(path: string, maxBytes: number, maxLine: number): AsyncGenerator<Line> {
  for await (const lines of readLineBatches(path, maxBytes, maxLine)) yield* lines;
}

/**
 * The lines of a guarded file, a chunk's worth at a time, so that 10⁶ of them need no more memory than a few and no more
 * turns of the event loop than chunks. Empty lines are left out but counted. Errors: those of openGuarded, and
 * `line-too-long`.
 */
export async function* readLineBatches(
  path: string,
  maxBytes: number,
  maxLine: number,
): AsyncGenerator<Line[]> {
  const handle = await openGuarded(path, maxBytes);
  try {
    const chunk = Buffer.allocUnsafe(256 * 1024);
    let rest: Buffer[] = [];
    let restBytes = 0;
    let number = 0;
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      let from = 0;
      const lines: Line[] = [];
      for (;;) {
        const newline = chunk.indexOf(0x0a, from);
        if (newline < 0 || newline >= bytesRead) break;
        number++;
        const here = chunk.subarray(from, newline);
        const text =
          rest.length > 0 ? Buffer.concat([...rest, here]).toString('utf8') : here.toString('utf8');
        rest = [];
        restBytes = 0;
        from = newline + 1;
        if (text.trim() !== '') lines.push({ number, text, ended: true });
      }
      if (lines.length > 0) yield lines;
      if (from < bytesRead) {
        rest.push(Buffer.from(chunk.subarray(from, bytesRead)));
        restBytes += bytesRead - from;
        if (restBytes > maxLine)
          throw new BenchError(
            'line-too-long',
            `${path}:${number + 1}: a line of more than ${maxLine} bytes`,
          );
      }
    }
    const text = Buffer.concat(rest).toString('utf8');
    if (text.trim() !== '') yield [{ number: number + 1, text, ended: false }];
  } finally {
    await handle.close();
  }
}
