import { dockerfileError, type Place } from './problem.ts';

export type Lookup = (name: string) => string | undefined;

/**
 * Substitutes `$name`, `${name}`, `${name:-default}`, `${name-default}`, `${name:+other}`, `${name+other}` and takes quotes and
 * escapes away, as a shell would (Dockerfile reference, "Environment replacement").
 */
export function expand(text: string, lookup: Lookup, escape: string, place: Place): string {
  const scanner = new Scanner(text, lookup, escape, place);
  return scanner.until('');
}

class Scanner {
  #at = 0;
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  readonly #place: Place;

  constructor(text: string, lookup: Lookup, escape: string, place: Place) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escape;
    this.#place = place;
  }

  /** Up to an unquoted end character (taken), or to the end of the text when it is ''. */
  until(end: string): string {
    let out = '';
    let double = false;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] ?? '';
      if (char === end && !double) {
        this.#at++;
        return out;
      }
      if (char === this.#escape) {
        const next = this.#text[++this.#at];
        // Inside double quotes the escape only quotes what has a meaning there.
        if (next === undefined) out += char;
        else out += double && next !== '"' && next !== '$' && next !== this.#escape ? char + next : next;
      } else if (char === '"') double = !double;
      else if (char === "'" && !double) out += this.#single();
      else if (char === '$') out += this.#variable();
      else out += char;
    }
    if (end !== '') throw dockerfileError(this.#place, `\${ is not closed in '${this.#text}'`);
    if (double) throw dockerfileError(this.#place, `a " is not closed in '${this.#text}'`);
    return out;
  }

  #single(): string {
    const close = this.#text.indexOf("'", this.#at + 1);
    if (close < 0) throw dockerfileError(this.#place, `a ' is not closed in '${this.#text}'`);
    const inner = this.#text.slice(this.#at + 1, close);
    this.#at = close;
    return inner;
  }

  /** Leaves the position on the last character of the variable. */
  #variable(): string {
    const rest = this.#text.slice(this.#at + 1);
    const bare = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!-])/.exec(rest)?.[0];
    if (bare !== undefined) {
      this.#at += bare.length;
      return this.#lookup(bare) ?? '';
    }
    if (!rest.startsWith('{')) return '$';
    const name = /^\{([A-Za-z_][A-Za-z0-9_]*)/.exec(rest)?.[1];
    if (name === undefined) throw dockerfileError(this.#place, `bad substitution in '${this.#text}'`);
    this.#at += 2 + name.length;
    const value = this.#lookup(name);
    const operator = /^:?[-+?]|^\}/.exec(this.#text.slice(this.#at))?.[0];
    if (operator === undefined)
      throw dockerfileError(this.#place, `\${${name}…: only :- - :+ + :? ? can follow a name`);
    this.#at += operator.length;
    if (operator === '}') {
      this.#at--;
      return value ?? '';
    }
    const word = this.until('}');
    this.#at--;
    const has = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    if (operator.endsWith('-')) return has ? (value ?? '') : word;
    if (operator.endsWith('+')) return has ? word : '';
    if (!has) throw dockerfileError(this.#place, `${name}: ${word || 'is not set'}`);
    return value ?? '';
  }
}
