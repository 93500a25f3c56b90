/** A line of .dockerignore, compiled. */
interface Rule {
  pattern: RegExp;
  /** `!pattern`: takes files back in. */
  negated: boolean;
}

/**
 * Which files of the build context are left out. Patterns are Go's filepath.Match with `**`; a later line overrules an
 * earlier one; a pattern that matches a directory covers all beneath it.
 */
export class DockerIgnore {
  readonly #rules: Rule[];

  constructor(text: string) {
    this.#rules = text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const negated = line.startsWith('!');
        return { pattern: globPattern(cleaned(negated ? line.slice(1) : line)), negated };
      });
  }

  /** @param path relative to the context, '/' between its parts. */
  ignores(path: string): boolean {
    const parts = path.split('/');
    let ignored = false;
    for (const { pattern, negated } of this.#rules) {
      if (negated !== ignored) continue;
      if (parts.some((_, i) => pattern.test(parts.slice(0, i + 1).join('/')))) ignored = !negated;
    }
    return ignored;
  }

  /** Whether something beneath an ignored directory may be taken back, so that it must be walked all the same. */
  get hasExceptions(): boolean {
    return this.#rules.some(({ negated }) => negated);
  }
}

/** Relative to the context, without `.`, empty parts and a trailing slash. */
function cleaned(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.trim().split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Go's filepath.Match as a regular expression, and `**` for any number of directories. */
export function globPattern(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    if (char === '*' && glob[i + 1] === '*') {
      i++;
      if (glob[i + 1] === '/') {
        i++;
        source += '(?:.*/)?';
      } else source += '.*';
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const close = glob.indexOf(']', i + 2);
      if (close < 0) source += '\\[';
      else {
        source += `[${glob.slice(i + 1, close).replace(/[\\[]/g, '\\$&')}]`;
        i = close;
      }
    } else if (char === '\\' && i + 1 < glob.length) source += escaped(glob[++i] ?? '');
    else source += escaped(char);
  }
  return new RegExp(`^${source}$`, 's');
}

function escaped(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
