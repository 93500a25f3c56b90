import { BenchError } from '../../../results/bench-error.ts';
import { AGENT_TIMEOUT_MS } from '../defaults.ts';
import { LastingSocket } from './lasting-socket.ts';
import { LineReader } from './line-reader.ts';

/** How a command in the guest ended, as its first process reports it. */
export interface CommandEnd {
  exitCode: number | null;
  /** Signal number, when one ended it. */
  signal: number | null;
  /** errno, when it could not be started. */
  startError: number | null;
  stdoutBytes: number;
  stderrBytes: number;
  /** By the guest's monotonic clock, from fork to wait. */
  insideNs: number;
  /** Host monotonic time of the report's arrival. */
  atNs: bigint;
}

/** The guest's memory by its own kernel (/proc/meminfo). */
export interface GuestMemory {
  totalKiB: number;
  availableKiB: number;
}

const LINE_BYTES = 1024 * 1024;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: BenchError): void;
}

/**
 * The port of the guest's first process (guest/serve.c): reports of ended commands, boot phases, and requests that put a
 * guest right (network, clock, entropy, mounts). Between a command's start and its report, nothing crosses it.
 */
export class GuestPort {
  /** Boot phase → µs since the guest's kernel started. */
  readonly phases: Record<string, number> = {};
  /** Who runs the guest's CPU, by its own cpuid: 'KVMKVMKVM', 'TCGTCGTCGTCG'. */
  hypervisor = '';
  /** How the guest agent reaches the program that runs commands (guest/run.c). */
  runner = '/proc/1/exe';
  /** Host monotonic time when the guest's clock began, as its first words say; they may have been late, never early. */
  kernelBeganNs: bigint | undefined;
  private readonly socket: LastingSocket;
  private readonly commands = new Map<string, Waiting<CommandEnd>>();
  private readonly requests = new Map<number, Waiting<number>>();
  private readonly deaths = new Set<(error: BenchError) => void>();
  private lastMemory: GuestMemory | undefined;
  private nextRequest = 1;
  private lost: BenchError | undefined;

  private constructor(socket: LastingSocket) {
    this.socket = socket;
    let reader = new LineReader(LINE_BYTES);
    socket.listen({
      data: (chunk) => {
        const atNs = process.hrtime.bigint();
        for (const line of reader.push(chunk)) this.take(line, atNs);
      },
      // Commands go on: the guest holds its reports back while nobody listens. What was on the way may be gone.
      dropped: () => this.failRequests('the connection was cut before the answer'),
      back: () => {
        reader = new LineReader(LINE_BYTES);
        if (this.commands.size > 0) this.request('again').catch(() => undefined);
      },
      lost: (error) => this.abandon(error),
    });
  }

  static async connect(path: string, timeoutMs: number, alive?: () => boolean): Promise<GuestPort> {
    return new GuestPort(await LastingSocket.connect(path, "the guest's port", timeoutMs, alive));
  }

  /** Calls back when the guest agent has died. */
  onAgentDeath(listener: (error: BenchError) => void): void {
    this.deaths.add(listener);
  }

  /** Resolves when the command with this id has ended. Ask before starting it. */
  commandEnd(id: string): Promise<CommandEnd> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      this.commands.set(id, { resolve, reject });
    });
  }

  /** Nobody waits for this command any more. */
  forget(id: string): void {
    this.commands.delete(id);
  }

  /**
   * Asks the first process to do a verb of guest/verbs.c.
   *
   * @throws BenchError `vm-guest-request` with the errno, `vm-guest-timeout`, `vm-gone`.
   */
  async request(verb: string, args: string[] = [], timeoutMs = AGENT_TIMEOUT_MS): Promise<void> {
    if (this.lost) throw this.lost;
    const number = this.nextRequest++;
    let timer: NodeJS.Timeout | undefined;
    const error = await new Promise<number>((resolve, reject) => {
      this.requests.set(number, { resolve, reject });
      timer = setTimeout(() => {
        this.requests.delete(number);
        reject(new BenchError('vm-guest-timeout', `the guest did not answer ${verb} within ${timeoutMs} ms`));
      }, timeoutMs);
      if (this.socket.write(`${number} ${[verb, ...args].join(' ')}\n`)) return;
      this.requests.delete(number);
      reject(cut(`${verb} was not sent: the connection is being made again`));
    }).finally(() => clearTimeout(timer));
    if (error !== 0)
      throw new BenchError(
        'vm-guest-request',
        `the guest could not ${[verb, ...args].join(' ')}: errno ${error}`,
      );
  }

  /** What the guest has, and what it could still give to a new program. */
  async memory(): Promise<GuestMemory> {
    await this.request('memory');
    if (!this.lastMemory)
      throw new BenchError('vm-guest-request', 'the guest did not say how much memory it has');
    return this.lastMemory;
  }

  /** Cuts the connection, as a fault would. */
  cut(): void {
    this.socket.cut();
  }

  private failRequests(why: string): void {
    for (const waiting of this.requests.values()) waiting.reject(cut(why));
    this.requests.clear();
  }

  abandon(error: BenchError): void {
    if (this.lost) return;
    this.lost = error;
    for (const waiting of [...this.commands.values(), ...this.requests.values()]) waiting.reject(error);
    this.commands.clear();
    this.requests.clear();
  }

  close(): void {
    this.abandon(new BenchError('vm-gone', "the guest's port was closed"));
    this.socket.close();
  }

  private takePhase(name: string, sinceKernelUs: number, atNs: bigint): void {
    this.phases[name] = sinceKernelUs;
    const began = atNs - BigInt(Math.round(sinceKernelUs)) * 1000n;
    if (this.kernelBeganNs === undefined || began < this.kernelBeganNs) this.kernelBeganNs = began;
  }

  private take(line: string, atNs: bigint): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'boot' && rest[0] !== undefined) this.takePhase(rest[0], Number(rest[1]), atNs);
    else if (word === 'runner') this.runner = rest[0] ?? this.runner;
    else if (word === 'hypervisor') this.hypervisor = rest.join(' ').replaceAll('\0', '');
    else if (word === 'memory')
      this.lastMemory = { totalKiB: Number(rest[0]), availableKiB: Number(rest[1]) };
    else if (word === 'answer') {
      const number = Number(rest[0]);
      this.requests.get(number)?.resolve(Number(rest[1]));
      this.requests.delete(number);
    } else if (word === 'done' && rest[0] !== undefined) {
      const waiting = this.commands.get(rest[0]);
      this.commands.delete(rest[0]);
      waiting?.resolve(parseEnd(rest, atNs));
    } else if (word === 'agent-died') {
      const error = new BenchError(
        'vm-agent-died',
        `the guest agent died (wait status ${rest[0] ?? 'unknown'})`,
      );
      for (const listener of this.deaths) listener(error);
    }
  }
}

function cut(why: string): BenchError {
  return new BenchError('vm-connection-cut', `the guest's port: ${why}`);
}

/** "<id> exit|signal|error <number> <stdout bytes> <stderr bytes> <ns>" */
function parseEnd(fields: string[], atNs: bigint): CommandEnd {
  const [, kind, number, stdoutBytes, stderrBytes, insideNs] = fields;
  const value = Number(number);
  return {
    exitCode: kind === 'exit' ? value : kind === 'error' ? 127 : null,
    signal: kind === 'signal' ? value : null,
    startError: kind === 'error' ? value : null,
    stdoutBytes: Number(stdoutBytes),
    stderrBytes: Number(stderrBytes),
    insideNs: Number(insideNs),
    atNs,
  };
}
