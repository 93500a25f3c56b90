import { didYouMean, dockerfileError, type Place } from './problem.ts';

/** A mount of one RUN step (Dockerfile reference, "RUN --mount"). Paths are as written. */
export type RunMount =
  | { type: 'bind'; target: string; source: string; from: string | undefined; writable: boolean }
  | {
      type: 'cache';
      target: string;
      id: string;
      writable: boolean;
      /** One step at a time uses it. */
      exclusive: boolean;
      mode: number;
      uid: number;
      gid: number;
    }
  | { type: 'tmpfs'; target: string; sizeBytes: number | undefined }
  | {
      type: 'secret';
      id: string;
      /** Undefined when only a variable is wanted. */
      target: string | undefined;
      env: string | undefined;
      required: boolean;
      mode: number;
      uid: number;
      gid: number;
    };

const KEYS = {
  bind: ['target', 'dst', 'destination', 'source', 'src', 'from', 'rw', 'readwrite', 'ro', 'readonly'],
  cache: ['id', 'target', 'dst', 'destination', 'ro', 'readonly', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'dst', 'destination', 'size'],
  secret: ['id', 'target', 'dst', 'destination', 'env', 'required', 'mode', 'uid', 'gid'],
} as const;
const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** Reads `type=cache,target=/root/.cache,…`. */
export function parseRunMount(text: string, place: Place): RunMount {
  const given = new Map(
    text.split(',').map((part) => {
      const equals = part.indexOf('=');
      return equals < 0
        ? [part.toLowerCase(), 'true']
        : [part.slice(0, equals).toLowerCase(), part.slice(equals + 1)];
    }),
  );
  const type = given.get('type') ?? 'bind';
  if (!(type in KEYS))
    throw dockerfileError(
      place,
      `RUN --mount=type=${type} is not supported`,
      didYouMean(type, Object.keys(KEYS)) ?? `it is ${Object.keys(KEYS).join(', ')}`,
    );
  const known: readonly string[] = KEYS[type as keyof typeof KEYS];
  for (const key of given.keys())
    if (key !== 'type' && !known.includes(key))
      throw dockerfileError(place, `a ${type} mount has no '${key}'`, didYouMean(key, known));
  const first = (...keys: string[]) => keys.map((key) => given.get(key)).find((value) => value !== undefined);
  const on = (...keys: string[]): boolean => ['true', '1'].includes(first(...keys) ?? 'false');
  const natural = (key: string, fallback: number, base = 10): number => {
    const value = given.get(key);
    if (value === undefined) return fallback;
    const number = parseInt(value, base);
    if (!/^[0-9]+$/.test(value) || Number.isNaN(number))
      throw dockerfileError(place, `${key}: '${value}' is no number`);
    return number;
  };
  const target = first('target', 'dst', 'destination');
  const needed = (): string => {
    if (target === undefined || target === '') throw dockerfileError(place, `a ${type} mount needs a target`);
    return target;
  };
  switch (type) {
    case 'bind':
      return {
        type,
        target: needed(),
        source: first('source', 'src') ?? '/',
        from: given.get('from'),
        writable: on('rw', 'readwrite'),
      };
    case 'cache':
      if (!['shared', 'private', 'locked'].includes(given.get('sharing') ?? 'shared'))
        throw dockerfileError(place, `sharing: '${given.get('sharing')}' is not shared, private or locked`);
      return {
        type,
        target: needed(),
        id: given.get('id') ?? needed(),
        writable: !on('ro', 'readonly'),
        exclusive: (given.get('sharing') ?? 'shared') !== 'shared',
        mode: natural('mode', 0o755, 8),
        uid: natural('uid', 0),
        gid: natural('gid', 0),
      };
    case 'tmpfs':
      return {
        type,
        target: needed(),
        sizeBytes: given.has('size') ? bytes(given.get('size')!, place) : undefined,
      };
    default: {
      const id = given.get('id') ?? target?.split('/').at(-1);
      if (!id) throw dockerfileError(place, 'a secret mount needs an id');
      const env = given.get('env');
      return {
        type: 'secret',
        id,
        target: target ?? (env === undefined ? `/run/secrets/${id}` : undefined),
        env,
        required: on('required'),
        mode: natural('mode', 0o400, 8),
        uid: natural('uid', 0),
        gid: natural('gid', 0),
      };
    }
  }
}

function bytes(text: string, place: Place): number {
  const match = /^(\d+)([bkmg]?)b?$/i.exec(text);
  if (!match) throw dockerfileError(place, `'${text}' is no size`, 'for example 64m');
  return Number(match[1]) * (UNITS[match[2]!.toLowerCase()] ?? 1);
}
