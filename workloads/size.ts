import * as z from 'zod';
import { BenchError } from '../results/bench-error.ts';

const units: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };
const shape = /^(\d+(?:\.\d+)?)\s?(B|KiB|MiB|GiB|TiB)$/;
const help = "write a number and a unit, e.g. '16KiB', '64MiB', '2GiB' (1 KiB is 1024 bytes)";

/**
 * The one place where a size is read: '64MiB' → 67108864 bytes. Only binary units, because 'MB' means 1000² to some
 * tools and 1024² to others. Throws BenchError `bad-size`; never returns 0, a fraction or more than 2⁵³ bytes.
 */
export function parseSize(text: string): number {
  const match = shape.exec(text);
  if (!match) {
    const decimal = /^(\d+(?:\.\d+)?)\s?([KMGT])B?$/i.exec(text);
    const nearest = decimal ? `did you mean '${decimal[1]}${decimal[2]!.toUpperCase()}iB'? ` : '';
    throw new BenchError('bad-size', `'${text}' is not a size`, { hint: nearest + help });
  }
  const bytes = Number(match[1]) * units[match[2]!]!;
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new BenchError('bad-size', `'${text}' is not a whole number of bytes above 0`, { hint: help });
  return bytes;
}

/** 67108864 → '64 MiB': the largest unit that gives a whole number. */
export function printSize(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find(
    (name) => bytes >= units[name]! && bytes % units[name]! === 0,
  );
  return unit ? `${bytes / units[unit]!} ${unit}` : `${bytes} B`;
}

/** A size in a matrix file: stays the string the user wrote, so that the plan says what was asked. */
export const sizeSchema = z.string().superRefine((text, context) => {
  try {
    parseSize(text);
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    context.addIssue({ code: 'custom', message: `${error.message}: ${error.hint}` });
  }
});
