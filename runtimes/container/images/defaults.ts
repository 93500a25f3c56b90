/** Every default of the image store, each with its reason. */

/** What one layer may hold. Generous for images people really use, small against what would fill a disk. */
export interface LayerLimits {
  /** Members of the archive. The largest public images (CUDA, Android SDK) have about 300,000 in one layer. */
  maxEntries: number;
  /** Bytes of content after decompression. */
  maxBytes: number;
  /** Apparent size of one file; holes count, for whoever copies it later pays for them. */
  maxFileBytes: number;
  /** Decompressed to compressed. DEFLATE's own ceiling is 1,032; real layers stay under 50 … */
  maxRatio: number;
  /** … except small ones full of zeros, so the ratio is judged from this many bytes on. */
  ratioFromBytes: number;
}

export const LAYER_LIMITS: LayerLimits = {
  maxEntries: 1_000_000,
  maxBytes: 64 * 2 ** 30,
  maxFileBytes: 2 ** 40,
  maxRatio: 200,
  ratioFromBytes: 2 ** 30,
};

/** Read and decompressed at a time: large enough that a system call's cost vanishes, small enough to stay in the L2 cache. */
export const CHUNK_BYTES = 1024 * 1024;

/**
 * gzip's level for layers we make. 6 is gzip's own and Docker's default; higher levels take twice the time for 1 %.
 * Part of a layer's digest: changing it changes every digest, so it is fixed.
 */
export const GZIP_LEVEL = 6;

/** Attempts at one registry request before giving up, and the first pause between them (doubled each time, jittered). */
export const REGISTRY_ATTEMPTS = 4;
export const REGISTRY_FIRST_PAUSE_MS = 250;
/** No byte for this long means that the connection is dead: what Docker and containerd allow is 30 s. */
export const REGISTRY_IDLE_MS = 30_000;
/** Blobs on the wire at once: Docker's `max-concurrent-downloads`. */
export const REGISTRY_PARALLEL = 3;

/** The registry of names that state none; docker's users expect it. */
export const DEFAULT_REGISTRY = 'docker.io';
/** Where docker.io really answers. */
export const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** For RUN steps, as Docker's. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
