import { BenchError } from '../../../results/bench-error.ts';
import { DEFAULT_REGISTRY } from './defaults.ts';
import { digestSchema, type Digest } from './format/digest.ts';

/** A name of an image, taken apart. */
export interface Reference {
  /** `docker.io`, `localhost:5000` … */
  registry: string;
  /** `library/debian`, `team/app` … */
  repository: string;
  tag: string | undefined;
  digest: Digest | undefined;
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const REGISTRY = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const MAX_NAME = 255;

/**
 * Reads `[registry/]repository[:tag][@digest]` the way Docker does: the first part is a registry when it holds a dot or a
 * colon, or is `localhost`; a name without registry is docker.io's; one without a slash there is `library/…`; without tag and
 * digest the tag is `latest`. (distribution/reference's grammar.)
 */
export function parseReference(text: string): Reference {
  const wrong = (why: string): BenchError =>
    new BenchError('bad-image-name', `'${text}' is no image name: ${why}`, {
      hint: 'names look like debian:12, localhost:5000/team/app:v1 or app@sha256:…',
    });
  const [named = '', digest, ...rest] = text.split('@');
  if (rest.length > 0 || (digest !== undefined && !digestSchema.safeParse(digest).success))
    throw wrong('what follows @ must be sha256: and 64 hex digits');
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const name = hasTag ? named.slice(0, colon) : named;
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw wrong(`the tag '${tag}' is malformed`);
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first.startsWith('[');
  const registry = isRegistry ? first : DEFAULT_REGISTRY;
  let repository = isRegistry ? name.slice(slash + 1) : name;
  if (registry === DEFAULT_REGISTRY && !repository.includes('/')) repository = `library/${repository}`;
  if (!REGISTRY.test(registry)) throw wrong(`'${registry}' is no registry`);
  if (repository.length > MAX_NAME) throw wrong('it is too long');
  if (!REPOSITORY.test(repository))
    throw wrong(
      /[A-Z]/.test(repository)
        ? 'repository names are lower case'
        : `'${isRegistry ? repository : name}' is malformed`,
    );
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** The whole name, as it is kept. */
export function fullName(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The name as people type it: without docker.io and library. */
export function familiarName(full: string): string {
  return full.replace(/^docker\.io\/(?:library\/)?/, '');
}
