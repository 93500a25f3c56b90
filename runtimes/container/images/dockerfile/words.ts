import { dockerfileError, type Place } from './problem.ts';

/** Splits at blanks outside quotes; quotes and escapes stay, for expand() to take away. */
export function splitWords(text: string, escape: string, place: Place): string[] {
  const words: string[] = [];
  let word = '';
  let inside = false;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (quote === '' && /\s/.test(char)) {
      if (inside) words.push(word);
      word = '';
      inside = false;
      continue;
    }
    inside = true;
    word += char;
    if (char === escape && quote !== "'") {
      word += text[++i] ?? '';
    } else if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
  }
  if (quote !== '') throw dockerfileError(place, `a ${quote} is not closed`);
  if (inside) words.push(word);
  return words;
}

/** The strings of a JSON array of strings; undefined when the text is none (then it is the shell form). */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Takes `--name=value` and `--name` off the front. */
export function takeFlags(
  text: string,
  known: readonly string[],
  fail: (flag: string) => never,
): { flags: Map<string, string>; all: [string, string][]; rest: string } {
  const flags = new Map<string, string>();
  /** In order, for flags that may be given several times. */
  const all: [string, string][] = [];
  let rest = text;
  for (;;) {
    const match = /^--([a-z-]+)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    if (!match?.[1]) return { flags, all, rest };
    if (!known.includes(match[1])) fail(match[1]);
    flags.set(match[1], match[2] ?? '');
    all.push([match[1], match[2] ?? '']);
    rest = rest.slice(match[0].length);
  }
}
