import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';

/**
 * `sha256:` and 64 lower-case hex digits. SHA-512 is allowed by the specification but no registry serves it; accepting one
 * algorithm only keeps "digest" and "file name in blobs/sha256" the same thing.
 */
export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'is not a digest of the form sha256:<64 hex digits>');
export type Digest = string;

export function digestOf(bytes: Uint8Array | string): Digest {
  return 'sha256:' + createHash('sha256').update(bytes).digest('hex');
}

/** The 64 hex digits. */
export function hexOf(digest: Digest): string {
  return digestSchema.parse(digest).slice('sha256:'.length);
}

/** Throws when the bytes are not what the digest promised. */
export function verifyDigest(what: string, expected: Digest, actual: Digest): void {
  if (expected === actual) return;
  throw new BenchError('image-digest', `${what}: digest is ${actual}, promised was ${expected}`, {
    hint: 'the content was damaged or replaced on the way; fetch or import it again',
  });
}

/** Passes bytes through unchanged and knows their digest and count when they have all gone by. */
export class DigestStream extends Transform {
  readonly #hash: Hash = createHash('sha256');
  /** Bytes seen so far. */
  size = 0;
  #digest: Digest | undefined;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.size += chunk.length;
    done(null, chunk);
  }

  /** The digest of all that passed; the stream must have ended. */
  get digest(): Digest {
    this.#digest ??= 'sha256:' + this.#hash.digest('hex');
    return this.#digest;
  }
}

/**
 * The chain id of the n-th layer: names a layer *on top of* the ones below it, which is what its unpacked tree depends on
 * (OCI image specification, "Layer ChainID").
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
