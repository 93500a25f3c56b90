import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { QMP_TIMEOUT_MS, RECONNECT_TIMEOUT_MS } from '../defaults.ts';
import { LastingSocket } from './lasting-socket.ts';
import { LineReader } from './line-reader.ts';

const messageSchema = z.union([
  z.object({ QMP: z.object({ version: z.unknown(), capabilities: z.array(z.unknown()) }) }),
  z.object({ return: z.unknown(), id: z.number().optional() }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number().optional() }),
  z.object({
    event: z.string(),
    data: z.record(z.string(), z.unknown()).optional(),
    timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
  }),
]);

export interface QmpEvent {
  name: string;
  data: Record<string, unknown>;
}

interface Waiting {
  command: string;
  resolve(value: unknown): void;
  reject(error: BenchError): void;
  timer: NodeJS.Timeout;
}

/**
 * QEMU's machine protocol: greeting, capability negotiation, commands matched to answers by id, events, errors in QEMU's
 * words, a deadline for every answer. When the connection ends, everything that waits is told so.
 */
export class QmpClient {
  private readonly socket: LastingSocket;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Set<(event: QmpEvent) => void>();
  private nextId = 1;
  private lost: BenchError | undefined;
  private greet: () => void = () => undefined;
  /** Resolves when commands may be sent, or never will be again. */
  private ready: Promise<void> = Promise.resolve();
  private isReady: () => void = () => undefined;

  private constructor(socket: LastingSocket) {
    this.socket = socket;
    let reader = new LineReader();
    socket.listen({
      data: (chunk) => {
        try {
          for (const line of reader.push(chunk)) this.take(line);
        } catch (cause) {
          this.lose(new BenchError('vm-qmp-protocol', `QMP: ${(cause as Error).message}`, { cause }));
          socket.close();
        }
      },
      // Whether QEMU did what it was asked nobody knows: each caller is told, and decides.
      dropped: () => {
        this.failWaiting(
          (command) =>
            new BenchError(
              'vm-connection-cut',
              `the monitor's connection was cut before the answer to ${command}`,
            ),
        );
        this.ready = new Promise((resolve) => (this.isReady = resolve));
      },
      back: () => {
        reader = new LineReader();
        this.negotiate(RECONNECT_TIMEOUT_MS).catch((cause: unknown) => {
          this.lose(new BenchError('vm-gone', 'QEMU did not greet on a new monitor connection', { cause }));
          socket.close();
        });
      },
      lost: (error) => this.lose(error),
    });
  }

  /** Connects, waits for the greeting and leaves negotiation mode. */
  static async connect(path: string, timeoutMs = QMP_TIMEOUT_MS, alive?: () => boolean): Promise<QmpClient> {
    const socket = await LastingSocket.connect(path, 'its monitor connection', timeoutMs, alive);
    const client = new QmpClient(socket);
    try {
      await client.negotiate(timeoutMs);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /**
   * One command, its answer as QEMU gave it (`return`).
   *
   * @throws BenchError `vm-qmp` (QEMU refused, in its words), `vm-qmp-timeout`, `vm-gone`.
   */
  async execute(
    command: string,
    parameters: Record<string, unknown> = {},
    timeoutMs = QMP_TIMEOUT_MS,
  ): Promise<unknown> {
    await this.ready;
    return this.exchange(command, parameters, timeoutMs);
  }

  /** Cuts the connection, as a fault would. */
  cut(): void {
    this.socket.cut();
  }

  private exchange(
    command: string,
    parameters: Record<string, unknown>,
    timeoutMs: number,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new BenchError('vm-qmp-timeout', `QEMU did not answer ${command} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.waiting.set(id, { command, resolve, reject, timer });
      if (this.socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`)) return;
      this.failWaiting(() => new BenchError('vm-connection-cut', `the monitor was not asked to ${command}`));
    });
  }

  /** Calls back for every event from now on; the answer takes the listener off. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The next event of that name (that passes the test). Ask before causing it. */
  nextEvent(
    name: string,
    timeoutMs: number,
    accept: (event: QmpEvent) => boolean = () => true,
  ): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      const off = this.onEvent((event) => {
        const gone = event.name === CONNECTION_LOST;
        if (!gone && (event.name !== name || !accept(event))) return;
        clearTimeout(timer);
        off();
        if (gone) reject(this.lost ?? new BenchError('vm-gone', 'QEMU is gone'));
        else resolve(event);
      });
      const timer = setTimeout(() => {
        off();
        reject(new BenchError('vm-qmp-timeout', `no event ${name} within ${timeoutMs} ms`));
      }, timeoutMs);
    });
  }

  close(): void {
    this.lose(new BenchError('vm-gone', 'the monitor connection was closed'));
    this.socket.close();
  }

  /** Greeting, then out of negotiation mode: on every new connection. */
  private async negotiate(timeoutMs: number): Promise<void> {
    await this.greeting(timeoutMs);
    await this.exchange('qmp_capabilities', {}, timeoutMs);
    this.isReady();
  }

  private failWaiting(error: (command: string) => BenchError): void {
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error(waiting.command));
    }
    this.waiting.clear();
  }

  private greeting(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new BenchError('vm-qmp-timeout', `QEMU did not greet within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const off = this.onEvent((event) => {
        if (event.name !== CONNECTION_LOST) return;
        clearTimeout(timer);
        reject(this.lost ?? new BenchError('vm-gone', 'QEMU is gone'));
      });
      this.greet = () => {
        clearTimeout(timer);
        off();
        resolve();
      };
    });
  }

  private take(line: string): void {
    if (line.trim() === '') return;
    const message = messageSchema.parse(JSON.parse(line));
    if ('QMP' in message) return this.greet();
    if ('event' in message) {
      for (const listener of [...this.listeners]) listener({ name: message.event, data: message.data ?? {} });
      return;
    }
    const waiting = message.id === undefined ? undefined : this.waiting.get(message.id);
    if (!waiting || message.id === undefined) return;
    this.waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if ('error' in message)
      waiting.reject(
        new BenchError(
          'vm-qmp',
          `QEMU refused ${waiting.command}: ${message.error.desc} (${message.error.class})`,
        ),
      );
    else waiting.resolve(message.return);
  }

  private lose(error: BenchError): void {
    if (this.lost) return;
    this.lost = error;
    this.failWaiting(() => error);
    this.isReady();
    for (const listener of [...this.listeners]) listener({ name: CONNECTION_LOST, data: {} });
  }
}

/** Not one of QEMU's: told to listeners when the connection ends. */
export const CONNECTION_LOST = '(connection lost)';
