import type { ImageConfig } from './format/config.ts';
import type { Digest } from './format/digest.ts';

export type { ImageConfig, ProcessConfig } from './format/config.ts';

/**
 * An image made ready to be run: what the image store hands the container runtime.
 * Promises: every layer directory is complete, verified against its diffID, never written to again, and stays until the
 * image is removed *and* pruned; whiteouts are overlayfs's own (char 0:0, `trusted.overlay.opaque`), so the list can be given
 * to overlayfs as it is.
 */
export interface UnpackedImage {
  /** The manifest's digest. */
  digest: Digest;
  /** Absolute paths of the layers' trees, lowest first (overlayfs's lowerdir= wants them reversed). Empty for an empty image. */
  layers: string[];
  config: ImageConfig;
}

/** One RUN step of a build, for whoever can run containers. */
export interface BuildStep {
  /** As in UnpackedImage: lowest first. */
  layers: string[];
  /** Empty directory that becomes overlayfs's upperdir: what the step changes. Mount with redirect_dir=off,metacopy=off. */
  upperDir: string;
  /** Empty directory on the same file system for overlayfs's own use. */
  workDir: string;
  argv: string[];
  /** `NAME=value`. */
  env: string[];
  /** Absolute, inside; exists. */
  cwd: string;
  /** As the image config's User: empty, name, uid, or either with `:group`. */
  user: string;
  network: 'none' | 'host' | 'bridge';
  /** What is there during the step only. */
  mounts?: StepMount[];
  signal?: AbortSignal;
  /** What the step prints, as it comes. */
  onOutput(chunk: Uint8Array): void;
}

/** A mount of one step; its mount point is no part of the layer. */
export type StepMount =
  | { type: 'bind'; source: string; target: string; writable: boolean }
  | { type: 'tmpfs'; target: string; sizeBytes: number | undefined };

export interface StepOutcome {
  /** null when ended by a signal. */
  exitCode: number | null;
  signal: string | null;
}

/** Runs build steps in containers. The step's own failure is an outcome; a rejection means the box could not be made. */
export interface StepRunner {
  run(step: BuildStep): Promise<StepOutcome>;
}
