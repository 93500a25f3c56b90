import type { StateRoot } from '../../../runtimes/container/oci/state.ts';

export type Options = Readonly<Record<string, unknown>>;

/** What one call of the command line hands to its verb. */
export interface OciCall {
  root: StateRoot;
  /** Arguments, without the verb. */
  words: [string, ...string[]];
  /** By commander's names: '--pid-file' is pidFile. */
  options: Options;
  cacheDir: string;
  /** Aborted on a signal that asks us to end. */
  signal: AbortSignal;
  /** `--criu`, where given. */
  criu?: string | undefined;
  out(text: string): void;
  /** What is left out or went wrong on the side, in words: to stderr and the log. */
  complain(complaints: readonly string[]): void;
  exit(code: number): void;
}

/** An option: flags as commander writes them, its help, its default, and how its text becomes a value. */
export interface OciOption {
  flags: string;
  help: string;
  default?: string;
  parse?: (text: string) => unknown;
}

/**
 * A verb of the OCI command line as data: commander is told by it for `bench oci` and for help, and the quick reader of
 * `tare-oci` reads by it what Docker and Podman call all the time.
 */
export interface OciVerb {
  /** As commander has it: 'kill <id> [signal]'. */
  usage: string;
  description: string;
  example: string;
  options?: readonly OciOption[];
  /** Words after the first argument belong to something else, dashes and all. */
  passThrough?: boolean;
  act(call: OciCall): Promise<void>;
}

/** An option's words, where it was given. */
export function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
