import type { OciVerb, OciOption } from './oci-verb.ts';

/** What was read of a command line: the options before the verb, the verb, its arguments and options. */
export interface QuickWords {
  globals: Record<string, unknown>;
  verb: OciVerb;
  words: [string, ...string[]];
  options: Record<string, unknown>;
}

/**
 * Reads the plain calls that engines make, without loading commander (a third of a call's cost). Null for everything that is
 * not plain: unknown options, help, missing or surplus arguments. Then commander reads it, and says what is wrong: there is
 * one grammar, and this knows the part of it that needs no words. Pure.
 */
export function quickWords(
  argv: readonly string[],
  globals: readonly OciOption[],
  verbs: readonly OciVerb[],
): QuickWords | null {
  const before = takeOptions(argv, globals);
  const [name, ...after] = before?.rest ?? [];
  const verb = verbs.find(({ usage }) => usage.split(' ', 1)[0] === name);
  if (!before || !verb || verb.passThrough) return null;
  const words: string[] = [];
  const options: Record<string, unknown> = defaultsOf(verb.options ?? []);
  for (let rest = after; ;) {
    const taken = takeOptions(rest, verb.options ?? []);
    if (!taken) return null;
    Object.assign(options, taken.options);
    const [word, ...more] = taken.rest;
    if (word === undefined) break;
    words.push(word);
    rest = more;
  }
  const places = verb.usage.split(' ').slice(1);
  const needed = places.filter((place) => place.startsWith('<')).length;
  const [first, ...others] = words;
  if (first === undefined || words.length < needed || words.length > places.length) return null;
  return {
    globals: { ...defaultsOf(globals), ...before.options },
    verb,
    words: [first, ...others],
    options,
  };
}

/** Options off the front, up to the first word that is none; null when one is not plain. */
function takeOptions(
  argv: readonly string[],
  known: readonly OciOption[],
): { options: Record<string, unknown>; rest: string[] } | null {
  const options: Record<string, unknown> = {};
  let at = 0;
  for (; argv[at]?.startsWith('-'); at++) {
    const [flag = '', inline] = splitOnce(argv[at]!);
    const option = known.find(({ flags }) => flags.split(/[ ,]+/).includes(flag));
    if (!option) return null;
    const name = nameOf(option);
    if (option.flags.includes('...')) return null;
    if (!/[<[]/.test(option.flags)) {
      if (inline !== undefined) return null;
      // '--no-pivot' is commander's way to say pivot: false.
      if (name.startsWith('no-')) options[camel(name.slice(3))] = false;
      else options[camel(name)] = true;
      continue;
    }
    const value = inline ?? argv[++at];
    // A value that looks like an option is commander's to judge, but for '-', which means stdin.
    if (value === undefined || (inline === undefined && value.startsWith('-') && value !== '-')) return null;
    try {
      options[camel(name)] = option.parse ? option.parse(value) : value;
    } catch {
      return null;
    }
  }
  return { options, rest: argv.slice(at) };
}

/** '--log=x' → '--log', 'x'; only long options have the form. */
function splitOnce(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return word.startsWith('--') && equals > 0
    ? [word.slice(0, equals), word.slice(equals + 1)]
    : [word, undefined];
}

function defaultsOf(known: readonly OciOption[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const option of known) {
    const name = nameOf(option);
    if (option.default !== undefined) options[camel(name)] = option.default;
    if (name.startsWith('no-')) options[camel(name.slice(3))] = true;
  }
  return options;
}

function nameOf({ flags }: OciOption): string {
  return /--([a-z-]+)/.exec(flags)?.[1] ?? '';
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
