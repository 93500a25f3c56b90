import type { ZodType } from 'zod';
import type { Metric, Sample } from '../results/record/metric.ts';

/** What a workload sees of an instance: structurally a part of runtimes/contract.ts, so the rooms need not meet. */
export interface Box {
  exec(
    argv: string[],
    options?: {
      stdin?: string | Uint8Array;
      env?: Record<string, string>;
      cwd?: string;
      timeoutMs?: number;
      signal?: AbortSignal;
    },
  ): Promise<BoxResult>;
  dataDir: string;
  network: {
    address: string;
    path: string;
    peer: { address: string; spawn(argv: string[]): Promise<BoxPeerProcess> };
  };
}

export interface BoxResult {
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  wallNs: number;
  timedOut: boolean;
}

export interface BoxPeerProcess {
  pid: number;
  output(): string;
  stop(): Promise<void>;
}

/** What one trial of a workload is, known before it runs. */
export interface Description {
  /** For pages, e.g. 'File I/O, random read/write, 16 KiB, direct'. */
  label: string;
  metrics: Metric[];
  /** Expected length of the timed window, s. */
  seconds: number;
  /** Programs that must exist inside; their bytes are hashed from inside for every trial. */
  tools: string[];
  network: boolean;
  diskMiB: number;
  /** Said beside the numbers: 'cached', 'fsync every 100 requests', … */
  caveats: string[];
}

/** What a run brought home. */
export interface Measurement {
  samples: Sample[];
  /** The tool's own idea of how long it ran, s; null where it does not say. Checked against the host's stopwatch. */
  insideSeconds: number | null;
  /** The tool's own words, kept in the trial's log. */
  raw: string;
}

/** State from setup to teardown of one trial. */
export interface Session<Options> {
  box: Box;
  options: Options;
  signal: AbortSignal;
  timeoutMs: number;
  /** Kept for the trial's log. */
  log(text: string): void;
}

/**
 * What is run and how it is read. A new member is one folder in workloads/ and one line in catalog.ts.
 * Promises: zero events, a run shorter than asked, an error printed with exit 0 reject with a BenchError that holds the
 * tool's own words; `run` is the timed window and nothing else happens in it; `teardown` may be called after any failure.
 */
export interface Workload<Options = unknown> {
  id: string;
  /** One line for `bench list`. */
  summary: string;
  optionsSchema: ZodType<Options>;
  describe(options: Options): Description;
  setup(session: Session<Options>): Promise<void>;
  run(session: Session<Options>): Promise<Measurement>;
  teardown(session: Session<Options>): Promise<void>;
}
