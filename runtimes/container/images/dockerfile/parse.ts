import type { Healthcheck } from '../format/config.ts';
import type { Heredoc } from './heredoc.ts';
import { heredocNamed } from './heredoc.ts';
import { parseRunMount } from './run-mount.ts';
import type { CommandForm, Dockerfile, Instruction, Stage } from './instruction.ts';
import { didYouMean, dockerfileError, type Place } from './problem.ts';
import { readSourceLines } from './source-lines.ts';
import { jsonWords, splitWords, takeFlags } from './words.ts';

interface Context {
  place: Place;
  escape: string;
  name: string;
  heredocs: readonly Heredoc[];
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads a Dockerfile; every fault is told with file and line. Strict: what is not understood is refused, never skipped. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const { lines, escape } = readSourceLines(text, file);
  const result: Dockerfile = { file, escape, globals: [], stages: [] };
  for (const { line, text: whole, heredocs } of lines) {
    const instruction = parseInstruction(whole, { file, line }, escape, heredocs);
    const stage = result.stages.at(-1);
    if (instruction.name === 'FROM') result.stages.push(newStage(instruction, result.stages, { file, line }));
    else if (stage) stage.steps.push(instruction);
    else if (instruction.name === 'ARG') result.globals.push(instruction);
    else
      throw dockerfileError(
        { file, line },
        `${instruction.name} before the first FROM`,
        'only ARG may stand there',
      );
  }
  if (result.stages.length === 0)
    throw dockerfileError({ file, line: 1 }, 'has no FROM', 'begin with FROM scratch or FROM <image>');
  return result;
}

function newStage(from: Instruction & { name: 'FROM' }, before: Stage[], place: Place): Stage {
  const name = from.as?.toLowerCase();
  if (name !== undefined && !STAGE_NAME.test(name))
    throw dockerfileError(
      place,
      `'${from.as}' cannot name a stage`,
      'letters, digits, - _ . and a letter first',
    );
  if (name !== undefined && before.some((stage) => stage.name === name))
    throw dockerfileError(place, `there is a stage '${name}' already`);
  return { name, from, steps: [] };
}

/** One instruction; also used for ONBUILD triggers of base images. */
export function parseInstruction(
  text: string,
  place: Place,
  escape: string,
  heredocs: readonly Heredoc[] = [],
): Instruction {
  const match = /^(\S+)(?:\s+([\s\S]*))?$/.exec(text);
  const name = (match?.[1] ?? '').toUpperCase();
  const rest = (match?.[2] ?? '').trim();
  const reader = READERS[name];
  if (!reader)
    throw dockerfileError(
      place,
      `unknown instruction '${match?.[1] ?? ''}'`,
      didYouMean(name, Object.keys(READERS)),
    );
  if (rest === '') throw dockerfileError(place, `${name} needs an argument`);
  const parsed = reader(rest, { place, escape, name, heredocs });
  return { ...parsed, line: place.line, text: `${name} ${rest}` } as Instruction;
}

type Bare = Instruction extends infer T ? (T extends Instruction ? Omit<T, 'line' | 'text'> : never) : never;

const READERS: Record<string, (rest: string, context: Context) => Bare> = {
  FROM: readFrom,
  RUN: readRun,
  CMD: (rest) => ({ name: 'CMD', command: commandForm(rest) }),
  ENTRYPOINT: (rest) => ({ name: 'ENTRYPOINT', command: commandForm(rest) }),
  COPY: (rest, context) => readCopy('COPY', rest, context),
  ADD: (rest, context) => readCopy('ADD', rest, context),
  ENV: (rest, context) => ({ name: 'ENV', pairs: readPairs(rest, context) }),
  LABEL: (rest, context) => ({ name: 'LABEL', pairs: readPairs(rest, context) }),
  ARG: readArg,
  EXPOSE: (rest, { escape, place }) => ({
    name: 'EXPOSE',
    words: splitWords(rest, escape, place),
    exact: false,
  }),
  VOLUME: (rest, { escape, place }) => {
    const exact = jsonWords(rest);
    return { name: 'VOLUME', words: exact ?? splitWords(rest, escape, place), exact: exact !== undefined };
  },
  WORKDIR: (rest) => ({ name: 'WORKDIR', value: rest }),
  USER: (rest, context) => ({ name: 'USER', value: single(rest, context) }),
  STOPSIGNAL: (rest, context) => ({ name: 'STOPSIGNAL', value: single(rest, context) }),
  MAINTAINER: (rest) => ({ name: 'MAINTAINER', value: rest }),
  SHELL: (rest, { place }) => {
    const argv = jsonWords(rest);
    if (!argv || argv.length === 0)
      throw dockerfileError(place, 'SHELL needs a JSON array: ["/bin/sh", "-c"]');
    return { name: 'SHELL', argv };
  },
  HEALTHCHECK: readHealthcheck,
  ONBUILD: (rest, { place, escape, heredocs }) => {
    if (heredocs.length > 0)
      throw dockerfileError(
        place,
        'ONBUILD with a here-document is not supported',
        'put it into a file and COPY that',
      );
    const trigger = parseInstruction(rest, place, escape);
    if (trigger.name === 'ONBUILD' || trigger.name === 'FROM' || trigger.name === 'MAINTAINER')
      throw dockerfileError(place, `ONBUILD ${trigger.name} is not allowed`);
    return { name: 'ONBUILD', trigger: rest };
  },
};

function readFrom(rest: string, context: Context): Bare {
  const { flags, rest: words } = flagsOf(rest, ['platform'], context);
  const [image = '', as, name, ...more] = splitWords(words, context.escape, context.place);
  if (
    image === '' ||
    more.length > 0 ||
    (as !== undefined && (as.toUpperCase() !== 'AS' || name === undefined))
  )
    throw dockerfileError(context.place, 'FROM takes an image, and perhaps AS and a name');
  return { name: 'FROM', image, as: name, platform: flags.get('platform') };
}

function readRun(rest: string, context: Context): Bare {
  const { flags, all, rest: command } = flagsOf(rest, ['network', 'mount', 'security'], context);
  if (flags.has('security') && flags.get('security') !== 'sandbox')
    throw dockerfileError(
      context.place,
      'RUN --security is not supported',
      'steps run with the default restrictions',
    );
  const network = flags.get('network') ?? 'default';
  if (network !== 'none' && network !== 'host' && network !== 'default')
    throw dockerfileError(
      context.place,
      `unknown network '${network}'`,
      didYouMean(network, ['none', 'host', 'default']),
    );
  if (command === '') throw dockerfileError(context.place, 'RUN needs a command');
  const mounts = all
    .filter(([name]) => name === 'mount')
    .map(([, text]) => parseRunMount(text, context.place));
  return { name: 'RUN', command: commandForm(command), network, mounts, heredocs: [...context.heredocs] };
}

function readCopy(name: 'COPY' | 'ADD', rest: string, context: Context): Bare {
  const known = [
    'chown',
    'chmod',
    'link',
    'exclude',
    ...(name === 'COPY' ? ['from', 'parents'] : ['checksum']),
  ];
  const { flags, all, rest: operands } = flagsOf(rest, known, context);
  const words = jsonWords(operands) ?? splitWords(operands, context.escape, context.place);
  const target = words.at(-1);
  if (words.length < 2 || target === undefined)
    throw dockerfileError(context.place, `${name} needs at least one source and a destination`);
  const sources = words.slice(0, -1);
  const remote = sources.find((source) =>
    /^(?:git:\/\/|git@|ssh:\/\/|https?:\/\/.*\.git(?:#|$))/.test(source),
  );
  if (remote !== undefined)
    throw dockerfileError(
      context.place,
      `${name} of '${remote}': repositories are not cloned`,
      'clone it with RUN --network=host',
    );
  const url = sources.find(isUrl);
  if (name === 'COPY' && url !== undefined)
    throw dockerfileError(context.place, `COPY of '${url}': only files are copied`, 'ADD fetches URLs');
  if (flags.has('checksum') && (sources.length > 1 || !/^(?:https?:|\$)/i.test(sources[0]!)))
    throw dockerfileError(context.place, '--checksum goes with a single URL');
  const heredocs = sources.flatMap((source) => heredocNamed(source, context.heredocs) ?? []);
  return {
    name,
    sources: sources.filter((source) => heredocNamed(source, context.heredocs) === undefined),
    target,
    from: flags.get('from'),
    chown: flags.get('chown'),
    chmod: flags.get('chmod'),
    checksum: flags.get('checksum'),
    heredocs,
    link: isOn(flags.get('link'), context),
    parents: isOn(flags.get('parents'), context),
    exclude: all.filter(([flag]) => flag === 'exclude').map(([, pattern]) => pattern),
  };
}

function readPairs(rest: string, { place, escape, name }: Context): [string, string][] {
  const words = splitWords(rest, escape, place);
  const first = words[0] ?? '';
  if (!first.includes('=')) {
    // The old form: the first word is the name and all that follows its value.
    const value = rest.slice(first.length).trim();
    if (value === '') throw dockerfileError(place, `${name} needs NAME=value`);
    return [[first, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1)
      throw dockerfileError(place, `'${word}' is not of the form NAME=value`, 'quote values with blanks');
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function readArg(rest: string, { place, escape }: Context): Bare {
  const args = splitWords(rest, escape, place).map((word) => {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!VARIABLE.test(name)) throw dockerfileError(place, `'${name}' cannot name an argument`);
    return { name, default: equals < 0 ? undefined : word.slice(equals + 1) };
  });
  return { name: 'ARG', args };
}

function readHealthcheck(rest: string, context: Context): Bare {
  const durations = {
    interval: 'Interval',
    timeout: 'Timeout',
    'start-period': 'StartPeriod',
    'start-interval': 'StartInterval',
  };
  const { flags, rest: test } = flagsOf(rest, [...Object.keys(durations), 'retries'], context);
  if (test.toUpperCase() === 'NONE') return { name: 'HEALTHCHECK', healthcheck: { Test: ['NONE'] } };
  const command = /^CMD\s+([\s\S]+)$/i.exec(test)?.[1];
  if (command === undefined)
    throw dockerfileError(context.place, 'HEALTHCHECK takes NONE or CMD and a command');
  const form = commandForm(command);
  const healthcheck: Healthcheck = {
    Test: form.form === 'shell' ? ['CMD-SHELL', form.text] : ['CMD', ...form.argv],
  };
  for (const [flag, key] of Object.entries(durations)) {
    const value = flags.get(flag);
    if (value !== undefined) healthcheck[key as 'Interval'] = nanoseconds(value, context.place);
  }
  const retries = flags.get('retries');
  if (retries !== undefined) {
    if (!/^[0-9]{1,6}$/.test(retries))
      throw dockerfileError(context.place, `--retries: '${retries}' is no number`);
    healthcheck.Retries = Number(retries);
  }
  return { name: 'HEALTHCHECK', healthcheck };
}

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** A Go duration, `1m30s`. */
function nanoseconds(text: string, place: Place): number {
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const match = /^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/.exec(rest);
    if (!match) throw dockerfileError(place, `'${text}' is no duration`, 'for example 30s or 1m30s');
    total += Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return Math.round(total);
}

function commandForm(text: string): CommandForm {
  const argv = jsonWords(text);
  return argv ? { form: 'exec', argv } : { form: 'shell', text };
}

function single(rest: string, { place, escape, name }: Context): string {
  const words = splitWords(rest, escape, place);
  if (words.length !== 1) throw dockerfileError(place, `${name} takes one argument`);
  return rest;
}

function flagsOf(
  rest: string,
  known: readonly string[],
  { place, name }: Context,
): ReturnType<typeof takeFlags> {
  return takeFlags(rest, known, (flag) => {
    throw dockerfileError(
      place,
      `${name} has no flag --${flag}`,
      didYouMean(flag, known) ?? (known.length > 0 ? `it has --${known.join(', --')}` : undefined),
    );
  });
}

/** What ADD fetches. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** `--link` and `--link=true` are the same. */
function isOn(value: string | undefined, { place }: Context): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === '' || value === 'true') return true;
  throw dockerfileError(place, `'${value}' is neither true nor false`);
}
