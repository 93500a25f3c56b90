import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { BenchError } from '../../../../results/bench-error.ts';
import { DOCKER_HUB_HOST } from '../defaults.ts';
import { exchange, type TlsTrust } from './http.ts';

export interface ConnectionOptions {
  /** PEM file beside the system's certificates. */
  caFile?: string;
  /** False: any certificate, and plain HTTP, will do. */
  tlsVerify?: boolean;
  signal?: AbortSignal;
}

/** Where a registry answers, and what its certificate is checked against. */
export interface Connection {
  url: URL;
  trust: TlsTrust;
}

/**
 * TLS, always; plain HTTP only on this machine itself or where verification was switched off, and only after the server has
 * shown that it does not speak TLS. A bad certificate is never a reason to fall back.
 *
 * @throws BenchError `image-registry-tls`, `image-registry-unreachable`.
 */
export async function connect(name: string, options: ConnectionOptions): Promise<Connection> {
  const host = name === 'docker.io' ? DOCKER_HUB_HOST : name;
  const verify = options.tlsVerify ?? true;
  const trust: TlsTrust = { verify, ca: await certificates(host, options.caFile) };
  const url = new URL(`https://${host}/v2/`);
  try {
    const response = await exchange({ method: 'GET', url, signal: options.signal }, trust);
    response.stream.resume();
    return { url, trust };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const noTls =
      code === 'EPROTO' ||
      code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
      code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
    if (noTls && (!verify || isLoopback(url.hostname))) return { url: new URL(`http://${host}/v2/`), trust };
    if (noTls)
      throw new BenchError('image-registry-tls', `${host} does not speak TLS`, {
        cause: error,
        hint: '--tls-verify=false allows plain HTTP',
      });
    if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code))
      throw new BenchError('image-registry-tls', `${host}: the certificate is not trusted (${code})`, {
        cause: error,
        hint: `give its authority by --tls-ca, or in /etc/docker/certs.d/${host}/ca.crt`,
      });
    if (options.signal?.aborted) throw error;
    throw new BenchError(
      'image-registry-unreachable',
      `cannot reach ${host}: ${code || (error as Error).message}`,
      {
        cause: error,
        hint: 'is the name right, and is there a network?',
      },
    );
  }
}

/** Node takes `ca` in place of the built-in list, so that goes along. */
async function certificates(host: string, caFile: string | undefined): Promise<string[] | undefined> {
  if (caFile !== undefined) {
    const text = await readFile(caFile, 'utf8').catch((cause: unknown) => {
      throw new BenchError('image-registry-tls', `cannot read ${caFile}`, { cause });
    });
    return [...rootCertificates, text];
  }
  for (const folder of ['/etc/docker/certs.d', '/etc/containers/certs.d']) {
    const text = await readFile(join(folder, host, 'ca.crt'), 'utf8').catch(() => undefined);
    if (text !== undefined) return [...rootCertificates, text];
  }
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}
