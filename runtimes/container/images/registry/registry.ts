import type { Readable } from 'node:stream';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';
import type { Descriptor } from '../format/descriptor.ts';
import { digestOf, digestSchema, verifyDigest, type Digest } from '../format/digest.ts';
import { MAX_MANIFEST_BYTES, parseJson } from '../format/manifest.ts';
import { ACCEPTED_MANIFESTS } from '../format/media-types.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import { connect, type Connection, type ConnectionOptions } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { exchange, readBody, type HttpRequest, type HttpResponse, type TlsTrust } from './http.ts';
import { isTransientStatus, RETRY, Transient, withRetries, type RetryPolicy } from './retry.ts';

export interface RegistryOptions extends ConnectionOptions {
  credentials?: Credentials;
  retry?: RetryPolicy;
}

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });
const errorsSchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional() })),
});
const SMALL = 1024 * 1024;
type Action = 'pull' | 'pull,push';

/** A client of one registry (OCI distribution specification 1.1). */
export class Registry {
  readonly name: string;
  readonly #options: RegistryOptions;
  readonly #retry: RetryPolicy;
  /** Scope → Authorization header. */
  readonly #tokens = new Map<string, string>();
  #base: Promise<Connection> | undefined;

  constructor(name: string, options: RegistryOptions = {}) {
    this.name = name;
    this.#options = options;
    this.#retry = options.retry ?? RETRY;
  }

  /** A manifest or index by tag or digest; its digest is checked when it was asked for by one or the registry states one. */
  async manifest(
    repository: string,
    wanted: string,
  ): Promise<{ bytes: Buffer; mediaType: string; digest: Digest }> {
    const response = await this.#request(repository, 'pull', {
      method: 'GET',
      path: `${repository}/manifests/${wanted}`,
      headers: { accept: ACCEPTED_MANIFESTS.join(', ') },
      expect: [200],
    });
    const bytes = await readBody(response, MAX_MANIFEST_BYTES);
    const digest = digestOf(bytes);
    const what = `${this.name}/${repository}, manifest`;
    if (digestSchema.safeParse(wanted).success) verifyDigest(what, wanted, digest);
    const stated = response.headers['docker-content-digest'];
    if (typeof stated === 'string' && digestSchema.safeParse(stated).success)
      verifyDigest(what, stated, digest);
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    return { bytes, mediaType, digest };
  }

  /** A blob's bytes from an offset on. `restarted` tells that the server began at 0 after all. */
  async blob(
    repository: string,
    digest: Digest,
    offset: number,
  ): Promise<{ stream: Readable; restarted: boolean }> {
    const response = await this.#request(repository, 'pull', {
      method: 'GET',
      path: `${repository}/blobs/${digest}`,
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
      expect: [200, 206],
    });
    return { stream: response.stream, restarted: offset > 0 && response.status === 200 };
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const response = await this.#request(repository, 'pull,push', {
      method: 'HEAD',
      path: `${repository}/blobs/${digest}`,
      expect: [200, 404],
    });
    response.stream.resume();
    return response.status === 200;
  }

  /** Uploads a blob: POST for a place, PUT of the whole. */
  async putBlob(repository: string, blob: Descriptor, content: () => Readable): Promise<void> {
    await withRetries(
      async () => {
        const opened = await this.#request(repository, 'pull,push', {
          method: 'POST',
          path: `${repository}/blobs/uploads/`,
          body: { bytes: new Uint8Array(0) },
          expect: [202],
        });
        opened.stream.resume();
        const { location } = opened.headers;
        if (location === undefined) throw this.#error('an upload without a place', opened.status);
        const place = new URL(location, opened.url);
        place.searchParams.set('digest', blob.digest);
        const done = await this.#request(repository, 'pull,push', {
          method: 'PUT',
          url: place,
          headers: { 'content-type': 'application/octet-stream' },
          body: { stream: content, size: blob.size },
          expect: [201],
          once: true,
        });
        done.stream.resume();
        const stated = done.headers['docker-content-digest'];
        if (typeof stated === 'string') verifyDigest(`${this.name}, upload`, blob.digest, stated);
      },
      this.#retry,
      this.#options.signal,
    );
  }

  async putManifest(repository: string, tag: string, mediaType: string, bytes: Buffer): Promise<void> {
    const response = await this.#request(repository, 'pull,push', {
      method: 'PUT',
      path: `${repository}/manifests/${tag}`,
      headers: { 'content-type': mediaType },
      body: { bytes },
      expect: [201],
    });
    response.stream.resume();
  }

  async #request(
    repository: string,
    action: Action,
    request: Omit<HttpRequest, 'url' | 'signal'> & {
      path?: string;
      url?: URL;
      expect: number[];
      once?: boolean;
    },
  ): Promise<HttpResponse> {
    const attempt = async (): Promise<HttpResponse> => {
      const { url: base, trust } = await this.#connection();
      const url = request.url ?? new URL(`/v2/${request.path}`, base);
      const scope = `repository:${repository}:${action}`;
      // An upload's place may be another host: that one gets no credentials.
      const ours = url.host === base.host;
      for (let tried = false; ; tried = true) {
        const token = ours ? this.#tokens.get(scope) : undefined;
        const response = await exchange(
          {
            ...request,
            url,
            headers: { ...request.headers, ...(token === undefined ? {} : { authorization: token }) },
            signal: this.#options.signal,
          },
          trust,
        );
        if (request.expect.includes(response.status)) return response;
        if (response.status === 401 && !tried && ours) {
          response.stream.resume();
          this.#tokens.set(scope, await this.#authorize(response, scope, trust));
          continue;
        }
        throw await this.#failure(response, repository);
      }
    };
    return request.once ? attempt() : withRetries(attempt, this.#retry, this.#options.signal);
  }

  /** Answers a 401: a Basic header, or a bearer token fetched from where the challenge says. */
  async #authorize(response: HttpResponse, scope: string, trust: TlsTrust): Promise<string> {
    const header = response.headers['www-authenticate'];
    const challenge = header === undefined ? undefined : parseChallenge(header);
    const { credentials } = this.#options;
    const basic =
      credentials &&
      `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
    if (challenge?.scheme === 'bearer') return this.#token(challenge, scope, basic, trust, response.url);
    if (challenge === undefined || basic === undefined) throw this.#denied();
    return basic;
  }

  async #token(
    challenge: Challenge & { scheme: 'bearer' },
    scope: string,
    basic: string | undefined,
    trust: TlsTrust,
    from: URL,
  ): Promise<string> {
    const url = new URL(challenge.realm);
    if (url.protocol !== 'https:' && from.protocol === 'https:')
      throw new BenchError('image-registry', `${this.name} sends for a token to ${url.host} without TLS`);
    if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
    url.searchParams.set('scope', scope);
    const response = await exchange(
      {
        method: 'GET',
        url,
        headers: basic === undefined ? {} : { authorization: basic },
        signal: this.#options.signal,
      },
      trust,
    );
    if (isTransientStatus(response.status)) throw new Transient(`${url.host} answers ${response.status}`);
    if (response.status !== 200) {
      response.stream.resume();
      throw this.#denied();
    }
    const answer = tokenSchema.safeParse(
      parseJson(await readBody(response, SMALL), `token of ${url.host}`),
    ).data;
    const token = answer?.token ?? answer?.access_token;
    if (token === undefined) throw this.#error('a token answer without a token', response.status);
    return `Bearer ${token}`;
  }

  #connection(): Promise<Connection> {
    this.#base ??= connect(this.name, this.#options);
    this.#base.catch(() => (this.#base = undefined));
    return this.#base;
  }

  async #failure(response: HttpResponse, repository: string): Promise<Error> {
    const after = Number(response.headers['retry-after']);
    const body = await readBody(response, SMALL).catch(() => Buffer.alloc(0));
    const words = errorWords(body);
    if (isTransientStatus(response.status))
      return new Transient(`${this.name} answers ${response.status}${words && `: ${words}`}`, {
        afterMs: Number.isFinite(after) && after > 0 ? after * 1000 : undefined,
      });
    if (response.status === 401 || response.status === 403) return this.#denied(words);
    if (response.status === 404)
      return new BenchError(
        'image-registry-unknown',
        `${this.name} has no such image: ${repository}${words && ` (${words})`}`,
      );
    return this.#error(words || 'a failure', response.status);
  }

  #denied(words = ''): BenchError {
    return new BenchError(
      'image-registry-denied',
      `${this.name} refuses${this.#options.credentials ? ' these credentials' : ': it wants a login'}${words && ` (${words})`}`,
      { hint: '--creds user:password, or log in with docker or podman' },
    );
  }

  #error(what: string, status: number): BenchError {
    return new BenchError('image-registry', `${this.name} answers ${status}: ${what}`);
  }
}

function errorWords(body: Buffer): string {
  try {
    const parsed = errorsSchema.safeParse(JSON.parse(body.toString('utf8')));
    return (parsed.data?.errors ?? []).map(({ code, message }) => message ?? code).join('; ');
  } catch {
    return '';
  }
}
