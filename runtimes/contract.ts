import type { ZodType } from 'zod';
import type { HostCost } from '../results/record/trial.ts';
import type { Part, Resources } from '../results/record/plan.ts';

/** Whether a runtime can be used on this host, and if not, why and what mends it. */
export type Availability =
  { available: true; notes: string[] } | { available: false; reason: string; remedy: string };

/** The guest image: one root filesystem, named by its digest, for every arm. */
export interface Image {
  /** sha256 hex of the recipe and of what it resolved to. */
  digest: string;
  /** Absolute path of the read-only root filesystem tree (shared by all; never written to). */
  rootfs: string;
  /** Kernel release inside the tree (`/boot/vmlinuz-<release>`, `/lib/modules/<release>`); '' when it has none. */
  kernelRelease: string;
  suite: string;
  /** Package → version, of the packages that measure. */
  packages: Record<string, string>;
}

/** What the harness hands every runtime; one per run. */
export interface RuntimeContext {
  /** Short tag (`tare-xxxxxxxx`, [a-z0-9-], ≤ 13 chars) that names every host resource of this run, so a sweep finds them. */
  owner: string;
  /** Survives runs: disks, snapshots, compiled launcher. Content-addressed by those who write it. */
  cacheDir: string;
  /** This run's own folder on a real disk; removed at the end of the run. */
  scratchDir: string;
  /** What every instance of the run will be given, so that prepare() can make ready for exactly that. */
  resources: Resources;
  /** Aborted on Ctrl-C. */
  signal: AbortSignal;
  /** One line for the run's log. */
  log(line: string): void;
}

export interface ExecOptions {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ExecResult {
  /** null when ended by a signal. */
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** Host monotonic time from request to result, ns. */
  wallNs: number;
  timedOut: boolean;
}

/** A process on the far side of the instance's network (an iperf server, say). */
export interface PeerProcess {
  pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** Ends it and waits; idempotent. */
  stop(): Promise<void>;
}

/** The host's side of the instance's own network. */
export interface Peer {
  address: string;
  /** Starts a program of the image (same bytes as inside) on the far side, off the measured CPUs where there are others. */
  spawn(argv: string[]): Promise<PeerProcess>;
}

export interface InstanceNetwork {
  /** The instance's own address. */
  address: string;
  /** What the packets cross, for the cell's name: 'loopback', 'veth', 'virtio-net + tap', 'virtio-net + slirp'. */
  path: string;
  mtu: number;
  peer: Peer;
}

/** A provisioned box. Every method rejects with a BenchError that carries the tool's own words. */
export interface Instance {
  /** Facts for the trial record: accelerator, disk format, boot phases in ms … */
  facts(): Record<string, string | number | boolean>;
  /** Runs a program inside and collects its output. argv[0] is searched in PATH inside. Never polls while it runs. */
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>;
  copyIn(hostPath: string, insidePath: string): Promise<void>;
  copyOut(insidePath: string, hostPath: string): Promise<void>;
  network: InstanceNetwork;
  /** An existing, empty, writable folder inside, on the storage that this arm is about. */
  dataDir: string;
  /** Levels and totals since start, as the host sees them. Cheap: reads of /proc and the cgroup only. */
  usage(): Promise<HostCost>;
  /** CPU time throttled by a quota so far, ms; null where nothing throttles. */
  throttledMs(): Promise<number | null>;
  /** The last words of the box (console, log), for a failure's log. */
  lastWords(): Promise<string>;
  pause?(): Promise<void>;
  resume?(): Promise<void>;
  /** Idempotent; leaves nothing behind; never rejects because something is already gone. */
  destroy(): Promise<void>;
}

/** A runtime made ready once per run (disk images built, launcher compiled, accelerator chosen). */
export interface Prepared {
  /** Said beside every number of the arm. */
  caveats: string[];
  /** True when the CPU is emulated in software. */
  emulated: boolean;
  /** The accelerator that was asked for and chosen, where there is such a thing. */
  accelerator: { asked: string; got: string; reason: string } | null;
  /** Which emulator, kernel, launcher, image it will run on: 'emulator' → its path, version and hash. */
  parts?: Record<string, Part>;
  /**
   * Resolves when the first command could run: that moment is the end of the start-up time. Within `limitMs`, where it
   * is given, it has come or failed by its own name.
   */
  start(trial: string, resources: Resources, limitMs?: number): Promise<Instance>;
  /** Makes ready for the arm's next trial what would weigh on its start; after a box is gone, outside every timing. */
  restock?(): Promise<void>;
}

/**
 * Where work is run. A new member is one folder in runtimes/ and one line in catalog.ts.
 * Promises: `start` hands over an instance with no state of an earlier one; `destroy` leaves the host as it was;
 * every host resource carries the context's owner tag, so that `sweep` of a dead owner finds it.
 */
export interface Runtime<Options = unknown> {
  id: string;
  /** One line for `bench list`. */
  summary: string;
  optionsSchema: ZodType<Options>;
  /** What a page prints for these options, e.g. 'VM, qcow2'. */
  label(options: Options): string;
  /** The options with their file names absolute; in a matrix they are relative to the matrix file's `folder`. Pure. */
  resolvePaths?(options: Options, folder: string): Options;
  /** Cheap (< 1 s), no side effects. The options, where they are known, may bring what the host lacks. */
  probe(options?: Options): Promise<Availability>;
  /** True when this runtime needs the guest image. */
  needsImage: boolean;
  /** @param image the run's guest image; an arm whose options name another one starts from that. */
  prepare(image: Image | null, options: Options, context: RuntimeContext): Promise<Prepared>;
}
