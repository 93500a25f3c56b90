import { posix } from 'node:path';
import { expand } from '../dockerfile/expand.ts';
import type { CommandForm, Instruction } from '../dockerfile/instruction.ts';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { splitWords } from '../dockerfile/words.ts';
import type { ProcessConfig } from '../format/config.ts';
import { environment, environmentList } from './stage-state.ts';

export const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** The argv of a command: the shell form goes through the image's SHELL. */
export function commandArgv(command: CommandForm, process: ProcessConfig): string[] {
  return command.form === 'exec' ? command.argv : [...(process.Shell ?? DEFAULT_SHELL), command.text];
}

/**
 * Applies an instruction that only changes the config. Pure: returns the new process part; undefined for instructions that
 * do more than that.
 */
export function configAfter(
  step: Instruction,
  process: ProcessConfig,
  value: (text: string) => string,
  place: Place,
  escape: string,
): ProcessConfig | undefined {
  switch (step.name) {
    case 'ENV': {
      const env = environment(process);
      // All values of one ENV see the environment before it (Dockerfile reference, "Environment replacement").
      const pairs = step.pairs.map(([name, text]): [string, string] => [value(name), value(text)]);
      for (const [name, text] of pairs) {
        if (name === '' || name.includes('='))
          throw dockerfileError(place, `'${name}' cannot name a variable`);
        env.set(name, text);
      }
      return { ...process, Env: environmentList(env) };
    }
    case 'LABEL': {
      const added = Object.fromEntries(step.pairs.map(([name, text]) => [value(name), value(text)]));
      return { ...process, Labels: { ...process.Labels, ...added } };
    }
    case 'CMD':
      return { ...process, Cmd: commandArgv(step.command, process) };
    case 'ENTRYPOINT':
      // A CMD of the base image was meant for its own entry point.
      return { ...process, Entrypoint: commandArgv(step.command, process), Cmd: undefined };
    case 'SHELL':
      return { ...process, Shell: step.argv };
    case 'USER':
      return { ...process, User: value(step.value) };
    case 'STOPSIGNAL':
      return { ...process, StopSignal: stopSignal(value(step.value), place) };
    case 'HEALTHCHECK':
      return { ...process, Healthcheck: step.healthcheck };
    case 'EXPOSE': {
      const ports = step.words
        .flatMap((word) => splitWords(value(word), escape, place))
        .flatMap((word) => portsOf(word, place));
      return { ...process, ExposedPorts: { ...process.ExposedPorts, ...named(ports) } };
    }
    case 'VOLUME': {
      const paths = step.words.map((word) => value(word));
      if (paths.some((path) => path.trim() === '')) throw dockerfileError(place, 'VOLUME of an empty path');
      return { ...process, Volumes: { ...process.Volumes, ...named(paths) } };
    }
    case 'ONBUILD':
      return { ...process, OnBuild: [...(process.OnBuild ?? []), step.trigger] };
    case 'FROM':
    case 'RUN':
    case 'COPY':
    case 'ADD':
    case 'ARG':
    case 'WORKDIR':
    case 'MAINTAINER':
      return undefined;
  }
}

/** WORKDIR is relative to the one before. */
export function workdirAfter(process: ProcessConfig, value: string): string {
  return posix.resolve('/', process.WorkingDir ?? '/', value);
}

function named(keys: string[]): Record<string, object> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portsOf(word: string, place: Place): string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (!match || from < 1 || to > 65535 || to < from)
    throw dockerfileError(place, `'${word}' is no port`, 'for example 8080, 53/udp or 8000-8010');
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${protocol}`);
}

function stopSignal(text: string, place: Place): string {
  if (/^(?:SIG)?[A-Z][A-Z0-9+-]{1,10}$/.test(text) || /^(?:[1-9]|[1-5][0-9]|6[0-4])$/.test(text)) return text;
  throw dockerfileError(place, `'${text}' is no signal`, 'for example SIGTERM or 15');
}

/** Expands with the variables that instructions may use: ENV over ARG. */
export function expander(
  process: ProcessConfig,
  args: ReadonlyMap<string, string>,
  escape: string,
  place: Place,
): (text: string) => string {
  const env = environment(process);
  return (text) => expand(text, (name) => env.get(name) ?? args.get(name), escape, place);
}
