import { dockerfileError, type Place } from '../dockerfile/problem.ts';

/** A change of permission bits, by the mode that was and whether it is a directory. */
export type ModeChange = (mode: number, directory: boolean) => number;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o0007, a: 0o6777 };
const CLAUSE = /^([ugoa]*)([-+=])([rwxXst]*)$/;

/** `--chmod`: octal as it stands, or symbolic as chmod(1) takes it (`u=rwX,go=rX`, `+x`). */
export function parseMode(text: string, place: Place): ModeChange {
  if (/^[0-7]{3,4}$/.test(text)) {
    const mode = parseInt(text, 8);
    return () => mode;
  }
  const clauses = text.split(',').map((clause) => {
    const [, who = '', operator = '', what = ''] =
      CLAUSE.exec(clause) ?? fail(place, `--chmod: '${text}' is no mode`);
    const mask = [...(who === '' ? 'a' : who)].reduce((sum, each) => sum | WHO[each]!, 0);
    return { mask, operator, what };
  });
  return (mode, directory) =>
    clauses.reduce((now, { mask, operator, what }) => {
      const bits = [...what].reduce((sum, each) => sum | bitsOf(each, now, directory), 0);
      if (operator === '+') return now | (bits & (mask | 0o1000));
      if (operator === '-') return now & ~(bits & (mask | 0o1000));
      return (now & ~mask) | (bits & (mask | 0o1000));
    }, mode & 0o7777);
}

function bitsOf(letter: string, mode: number, directory: boolean): number {
  const bits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };
  if (letter === 'X') return directory || (mode & 0o111) !== 0 ? 0o111 : 0;
  return bits[letter] ?? 0;
}

function fail(place: Place, message: string): never {
  throw dockerfileError(place, message, 'octal (755) or symbolic (u=rwX,go=rX)');
}
