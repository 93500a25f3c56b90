import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BenchError } from '../../../../results/bench-error.ts';
import { packageVersion } from '../../../../results/package-root.ts';
import { REGISTRY_IDLE_MS } from '../defaults.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  url: URL;
  headers?: Record<string, string>;
  body?: { bytes: Uint8Array } | { stream: () => Readable; size: number };
  signal?: AbortSignal;
}

/** How to trust a server. */
export interface TlsTrust {
  /** PEM certificates to trust; the built-in list when undefined. */
  ca?: string[];
  /** False: any certificate will do. The user asked for it by name. */
  verify: boolean;
}

export interface HttpResponse {
  status: number;
  headers: IncomingMessage['headers'];
  url: URL;
  stream: IncomingMessage;
}

const MAX_REDIRECTS = 5;

/**
 * One exchange. Redirects of GET and HEAD are followed; credentials never go along to another host. A connection without a
 * byte for half a minute is cut.
 */
export async function exchange(request: HttpRequest, trust: TlsTrust): Promise<HttpResponse> {
  let { url } = request;
  let headers = request.headers ?? {};
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await once({ ...request, url, headers }, trust);
    const { location } = response.headers;
    const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
    if (!redirected || (request.method !== 'GET' && request.method !== 'HEAD')) return response;
    response.stream.resume();
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && url.protocol === 'https:')
      throw new BenchError('image-registry', `${url.host} redirects from TLS to plain ${next.host}`);
    if (next.host !== url.host)
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
      );
    url = next;
  }
  throw new BenchError('image-registry', `${request.url.host} redirects without end`);
}

function once(request: HttpRequest, trust: TlsTrust): Promise<HttpResponse> {
  const { url, method, body, signal } = request;
  const length = body === undefined ? undefined : 'bytes' in body ? body.bytes.length : body.size;
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method,
      signal,
      headers: {
        'user-agent': `tare/${packageVersion()}`,
        ...(length === undefined ? {} : { 'content-length': String(length) }),
        ...request.headers,
      },
      ...(url.protocol === 'https:' ? { ca: trust.ca, rejectUnauthorized: trust.verify } : {}),
    });
    outgoing.setTimeout(REGISTRY_IDLE_MS, () =>
      outgoing.destroy(new IdleError(`${url.host} has not sent a byte for ${REGISTRY_IDLE_MS / 1000} s`)),
    );
    outgoing.on('error', reject);
    outgoing.on('response', (stream) =>
      resolve({ status: stream.statusCode ?? 0, headers: stream.headers, url, stream }),
    );
    if (body === undefined) outgoing.end();
    else if ('bytes' in body) outgoing.end(body.bytes);
    else pipeline(body.stream(), outgoing).catch(reject);
  });
}

/** A dead connection: worth another try. */
export class IdleError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** A response's body, when it is small. */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.stream) {
    size += (chunk as Buffer).length;
    if (size > limit) {
      response.stream.destroy();
      throw new BenchError('image-registry', `${response.url.host}: answer of more than ${limit} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
