import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { normalize, resolve } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { ContainerMount } from './mount.ts';
import { anonymousName, checkVolumeName, volumeFolder } from './volume-store.ts';

/** Kept from every mount a person asks for: a set-user-id program or a device on it must not help anyone inside. */
const SAFE = ['nosuid', 'nodev'];
const PROPAGATION = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'];
const VOLUME_WORDS = ['ro', 'rw', 'nocopy', 'noexec', 'z', 'Z', ...PROPAGATION];

/**
 * `-v`: `host:inside[:options]` with a path, `name:inside[:options]` for a volume, `inside` for one without a name. A host
 * folder that does not exist is made, as Docker does.
 *
 * @throws BenchError `volume-syntax`, `volume-name`.
 */
export function parseVolume(text: string): ContainerMount {
  const parts = text.split(':');
  const [first = '', second, words = '', ...rest] = parts;
  if (parts.length === 1 && first.startsWith('/')) return volumeMount(anonymousName(), first, ['rw'], true);
  const options = words.split(',').filter(Boolean);
  const wrong = options.filter((word) => !VOLUME_WORDS.includes(word));
  if (first === '' || !second?.startsWith('/') || rest.length > 0 || wrong.length > 0)
    throw new BenchError('volume-syntax', `'${text}' is not a volume`, {
      hint: 'host:inside[:ro] or name:inside[:ro], e.g. -v ./data:/data:ro or -v cache:/var/cache',
    });
  const mode = [options.includes('ro') ? 'ro' : 'rw', ...options.filter((word) => word === 'noexec')];
  if (!/^[./~]/.test(first) && !first.includes('/')) {
    checkVolumeName(first);
    return { ...volumeMount(first, second, mode, false), copy: !options.includes('nocopy') };
  }
  const source = resolve(first);
  if (!existsSync(source)) mkdirSync(source, { recursive: true });
  return bindMount(source, second, [...mode, ...options.filter((word) => PROPAGATION.includes(word))]);
}

/** `--tmpfs inside[:options]`. */
export function parseTmpfs(text: string): ContainerMount {
  const at = text.indexOf(':');
  const destination = at < 0 ? text : text.slice(0, at);
  const options = at < 0 ? [] : text.slice(at + 1).split(',');
  if (!destination.startsWith('/'))
    throw new BenchError('volume-syntax', `'${text}' is not a place for a tmpfs`, {
      hint: 'inside[:options], e.g. --tmpfs /tmp:size=64m',
    });
  return tmpfsMount(destination, ['noexec', ...options.filter(Boolean)]);
}

/** `--mount type=…,source=…,target=…`. A source of type=bind must exist. @throws BenchError `mount-syntax`. */
export function parseMount(text: string): ContainerMount {
  const fields = new Map<string, string>();
  for (const part of text.split(',').filter(Boolean)) {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    fields.set(MOUNT_WORDS[name] ?? name, at < 0 ? 'true' : part.slice(at + 1));
  }
  const take = (name: string): string | undefined => {
    const value = fields.get(name);
    fields.delete(name);
    return value;
  };
  const type = take('type') ?? 'volume';
  const source = take('source');
  const target = take('target');
  const readonly = truth(take('readonly'), text) ? 'ro' : 'rw';
  if (!target?.startsWith('/')) throw wrongMount(text, 'its target must be an absolute path');
  const mount = ((): ContainerMount => {
    if (type === 'tmpfs') {
      if (source !== undefined) throw wrongMount(text, 'a tmpfs has no source');
      const size = take('tmpfs-size');
      const mode = take('tmpfs-mode');
      return tmpfsMount(target, [
        'noexec',
        ...(size === undefined ? [] : [`size=${size}`]),
        ...(mode === undefined ? [] : [`mode=${mode}`]),
        ...(readonly === 'ro' ? ['ro'] : []),
      ]);
    }
    if (type === 'volume') {
      const copy = !truth(take('volume-nocopy'), text);
      return source === undefined
        ? { ...volumeMount(anonymousName(), target, [readonly], true), copy }
        : { ...volumeMount(checkVolumeName(source), target, [readonly], false), copy };
    }
    if (type !== 'bind') throw wrongMount(text, `there is no type '${type}'`);
    if (source === undefined || !existsSync(resolve(source)))
      throw wrongMount(text, `its source ${source ?? ''} does not exist`);
    const propagation = take('bind-propagation');
    if (propagation !== undefined && !PROPAGATION.includes(propagation))
      throw wrongMount(text, `there is no propagation '${propagation}'`);
    return bindMount(resolve(source), target, [
      readonly,
      ...(propagation === undefined ? [] : [propagation]),
    ]);
  })();
  if (fields.size > 0) throw wrongMount(text, `it does not take ${[...fields.keys()].join(', ')}`);
  return mount;
}

/** Docker's other spellings. */
const MOUNT_WORDS: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};

/**
 * The mounts of a container: of an image's VOLUME, from other containers, from flags; what comes later wins a destination.
 */
export function mergeMounts(...groups: (readonly ContainerMount[])[]): ContainerMount[] {
  const merged = new Map<string, ContainerMount>();
  for (const mount of groups.flat()) {
    const destination = normalize(mount.destination).replace(/(.)\/$/, '$1');
    merged.set(destination, { ...mount, destination });
  }
  return [...merged.values()];
}

/** A volume for a folder that an image names in VOLUME. */
export function imageVolume(destination: string): ContainerMount {
  return volumeMount(anonymousName(), destination, ['rw'], true);
}

function volumeMount(
  name: string,
  destination: string,
  mode: readonly string[],
  anonymous: boolean,
): ContainerMount {
  const options = ['rbind', ...SAFE, ...mode];
  const source = volumeFolder(name);
  return { type: 'volume', destination, source, options, volume: name, anonymous, copy: true };
}

function bindMount(source: string, destination: string, words: readonly string[]): ContainerMount {
  const options = [lstatSync(source).isDirectory() ? 'rbind' : 'bind', ...SAFE, ...words];
  return { type: 'bind', destination, source, options, volume: null, anonymous: false, copy: false };
}

function tmpfsMount(destination: string, words: readonly string[]): ContainerMount {
  const options = [...SAFE, ...words];
  return { type: 'tmpfs', destination, source: '', options, volume: null, anonymous: false, copy: false };
}

function truth(text: string | undefined, whole: string): boolean {
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw wrongMount(whole, `'${text}' is neither true nor false`);
}

function wrongMount(text: string, why: string): BenchError {
  return new BenchError('mount-syntax', `--mount ${text} cannot be done: ${why}`, {
    hint: 'type=bind|volume|tmpfs,source=…,target=/inside[,readonly], e.g. --mount type=volume,source=cache,target=/var/cache',
  });
}
