import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dockerfileError, type Place } from '../dockerfile/problem.ts';
import { exchange } from '../registry/http.ts';

/** As large as a layer may be; an endless answer ends here. */
const MAX_DOWNLOAD_BYTES = 64 * 1024 ** 3;

export interface Fetched {
  /** From the address; '' when it names none. */
  name: string;
  size: number;
  /** Last-Modified, seconds since the epoch; 0 when the server does not say. */
  mtimeSec: number;
}

/** ADD of an http(s) address: writes it to `file`, and holds it to the checksum where one was given. */
export async function fetchUrl(
  address: string,
  file: string,
  checksum: string | undefined,
  place: Place,
  signal?: AbortSignal,
): Promise<Fetched> {
  const wanted = checksum === undefined ? undefined : /^sha256:[0-9a-f]{64}$/.exec(checksum)?.[0];
  if (checksum !== undefined && wanted === undefined)
    throw dockerfileError(place, `--checksum: '${checksum}' is none`, 'sha256: and 64 hexadecimal digits');
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw dockerfileError(place, `'${address}' is no address`);
  }
  const response = await exchange({ method: 'GET', url, signal }, { verify: true });
  if (response.status !== 200) {
    response.stream.resume();
    throw dockerfileError(place, `${address}: the server answered ${response.status}`);
  }
  const hash = createHash('sha256');
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      done(size > MAX_DOWNLOAD_BYTES ? new Error(`${address} is larger than 64 GiB`) : null, chunk);
    },
  });
  await pipeline(response.stream, counted, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
  const announced = response.headers['content-length'];
  if (announced !== undefined && Number(announced) !== size)
    throw dockerfileError(place, `${address}: ended after ${size} of ${announced} bytes`);
  const digest = `sha256:${hash.digest('hex')}`;
  if (wanted !== undefined && digest !== wanted)
    throw dockerfileError(place, `${address} hashes to ${digest}, and ${wanted} was asked for`);
  const modified = Date.parse(response.headers['last-modified'] ?? '');
  return {
    name: decodeURIComponent(url.pathname.split('/').at(-1) ?? ''),
    size,
    mtimeSec: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000),
  };
}
