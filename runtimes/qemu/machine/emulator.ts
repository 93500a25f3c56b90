import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { CLONE } from '../../launch/constants.ts';
import { diesWithUs, startPlan, type Launched, type LaunchExit } from '../../launch/launch.ts';
import type { Op } from '../../launch/ops.ts';
import { consoleTail } from '../control/console.ts';
import { diagnose } from '../control/diagnose.ts';
import { QmpClient, type QmpEvent } from '../control/qmp-client.ts';
import { BOOT_TIMEOUT_MS, QUIT_TIMEOUT_MS } from '../defaults.ts';
import { PROGRAM_FOLDERS } from './emulator-program.ts';

/** It needs nothing else of our environment. */
const ENVIRONMENT = [`PATH=${PROGRAM_FOLDERS.join(':')}`, 'LC_ALL=C'];

export interface EmulatorRequest {
  launcher: string;
  argv: string[];
  /** Path of the network namespace to run in; null for the host's. */
  namespacePath: string | null;
  /** Operations before it executes: joining its cgroup, its CPUs. */
  launchOps: Op[];
  consolePath: string;
  /** A file handed to QEMU, open for reading, as descriptor 3. */
  inheritedFile?: string;
  /** It goes on when this process ends; a file then takes its words, since nobody would read them. */
  outlives?: { wordsPath: string };
}

/**
 * A running QEMU: started through the launcher (it dies with us), watched from its first breath to its last. Everything
 * that waits on it is told when it ends, with its own words and the console's.
 */
export class Emulator {
  readonly startedNs: bigint;
  private readonly launched: Launched;
  private readonly consolePath: string;
  private readonly wordsPath: string | undefined;
  private qmpClient: QmpClient | undefined;
  private exit: LaunchExit | null = null;
  /** Rejects when QEMU says that a disk is broken: the guest would only see I/O errors, or stand still. */
  private readonly broken: Promise<never>;
  private markBroken: (error: BenchError) => void = () => undefined;

  private constructor(launched: Launched, request: EmulatorRequest, startedNs: bigint) {
    this.launched = launched;
    this.startedNs = startedNs;
    this.consolePath = request.consolePath;
    this.wordsPath = request.outlives?.wordsPath;
    void launched.exited.then((exit) => (this.exit = exit));
    this.broken = new Promise<never>((_, reject) => (this.markBroken = reject));
    this.broken.catch(() => undefined);
  }

  /** Starts QEMU; resolves when it executes. The monitor is connected by `openMonitor`. */
  static async start(request: EmulatorRequest): Promise<Emulator> {
    const startedNs = process.hrtime.bigint();
    const { outlives } = request;
    const words = outlives ? openSync(outlives.wordsPath, 'w', 0o600) : undefined;
    const launched = await startPlan({
      launcher: request.launcher,
      ...(words === undefined ? {} : { detached: true, stdout: 'ignore', stderr: words }),
      plan: [
        // A detached launcher leads a session already.
        ...(outlives ? [] : [diesWithUs(), { op: 'session' } as const]),
        ...(request.namespacePath === null
          ? []
          : [{ op: 'setns', path: request.namespacePath, type: CLONE.NEWNET } as const]),
        ...request.launchOps,
        ...inherit(request.inheritedFile),
        { op: 'exec', argv: request.argv, env: ENVIRONMENT, search: 1 },
      ],
    }).catch((cause: unknown) => {
      if (cause instanceof BenchError && /No such file/.test(cause.message))
        throw new BenchError('vm-tool-missing', `${request.argv[0] ?? 'QEMU'} is not there any more`, {
          hint: 'it was when the run began: was it replaced or removed meanwhile?',
          cause,
        });
      throw cause;
    });
    if (words !== undefined) closeSync(words);
    return new Emulator(launched, request, startedNs);
  }

  /** Leaves it running: we neither wait for it nor speak with it any more. */
  release(): void {
    this.qmpClient?.close();
    this.launched.release();
  }

  get pid(): number {
    return this.launched.pid;
  }

  get running(): boolean {
    return this.exit === null;
  }

  /** Its own words on stderr so far. */
  get words(): string {
    if (this.wordsPath === undefined) return this.launched.stderr();
    return existsSync(this.wordsPath) ? readFileSync(this.wordsPath, 'utf8') : '';
  }

  get qmp(): QmpClient {
    if (!this.qmpClient) throw new BenchError('vm-gone', 'QEMU has no monitor connection');
    return this.qmpClient;
  }

  async openMonitor(path: string): Promise<QmpClient> {
    this.qmpClient = await QmpClient.connect(path, BOOT_TIMEOUT_MS, () => this.running);
    this.qmpClient.onEvent((event) => {
      const error = diskFailure(event);
      if (error) this.markBroken(error);
    });
    return this.qmpClient;
  }

  /** Resolves with the exit when it ends. */
  get ended(): Promise<LaunchExit> {
    return this.launched.exited;
  }

  async console(): Promise<string> {
    return consoleTail(this.consolePath);
  }

  /**
   * Waits for the work, or for QEMU's end, whichever comes first; every failure comes out by name with the last words.
   * A connection that closes is nearly always QEMU ending: its exit is given a moment to be seen, since it says more.
   */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    const end = this.ended.then(() => {
      throw new BenchError('vm-gone', 'QEMU ended');
    });
    end.catch(() => undefined);
    try {
      return await Promise.race([work, end, this.broken]);
    } catch (cause) {
      work.catch(() => undefined);
      const code = cause instanceof BenchError ? cause.code : '';
      if (code === 'vm-gone' || code === 'vm-connection-cut') await this.settle();
      // Cut while QEMU lives: the connection stands again, and whoever asked knows best what to do.
      if (code === 'vm-connection-cut' && this.running) throw cause;
      if (cause instanceof BenchError && !NAMED_BY_MACHINE.has(cause.code)) throw cause;
      throw await this.failure(what, cause);
    }
  }

  /** What is wrong, from everything that is known. */
  async failure(during: string, cause?: unknown): Promise<BenchError> {
    return diagnose({
      during,
      console: await this.console(),
      emulatorWords: this.words,
      exit: this.exit,
      cause,
    });
  }

  /** Ends QEMU for good: asked, then killed. Idempotent. */
  async destroy(): Promise<void> {
    if (this.running && this.qmpClient) {
      this.qmpClient.execute('quit', {}, QUIT_TIMEOUT_MS).catch(() => undefined);
      await Promise.race([this.ended, pause(QUIT_TIMEOUT_MS)]);
    }
    await this.launched.stop('SIGKILL');
    this.qmpClient?.close();
  }

  private async settle(): Promise<void> {
    await Promise.race([this.ended, pause(QUIT_TIMEOUT_MS)]);
  }
}

/** What QEMU's block layer reports by event, as a failure by name. */
export function diskFailure({ name, data }: QmpEvent): BenchError | undefined {
  const disk = `the guest's disk ${String(data['node-name'] ?? data.device ?? '')}`.trim();
  if (name === 'BLOCK_IMAGE_CORRUPTED')
    return new BenchError('vm-disk-corrupt', `${disk} is damaged: ${String(data.msg ?? 'no reason given')}`);
  if (name !== 'BLOCK_IO_ERROR') return undefined;
  if (data.nospace === true)
    return new BenchError('vm-disk-full', `${disk} cannot grow: the host's disk is full`, {
      hint: 'free some space, or make diskMiB smaller',
    });
  return new BenchError('vm-disk-error', `${disk} failed: ${String(data.reason ?? 'I/O error')}`);
}

/** Descriptor of the inherited file. */
export const INHERITED_FD = 3;

function inherit(file: string | undefined): Op[] {
  if (file === undefined) return [{ op: 'close-fds', from: INHERITED_FD, keepSlot: -1 }];
  return [
    { op: 'open', slot: 0, path: file, flags: constants.O_RDONLY, mode: 0 },
    { op: 'dup', slot: 0, fd: INHERITED_FD },
    { op: 'close-fds', from: INHERITED_FD + 1, keepSlot: -1 },
  ];
}

/** Failures whose cause is better told by the console and QEMU's words than by whoever noticed first. */
const NAMED_BY_MACHINE = new Set([
  'vm-gone',
  'vm-connection-cut',
  'vm-socket',
  'vm-agent-timeout',
  'vm-guest-timeout',
  'vm-qmp-timeout',
  'vm-guest-request',
  'vm-save',
  'vm-restore',
]);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
