import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { BenchError } from '../../../results/bench-error.ts';
import { SESSION_START_TIMEOUT_MS } from '../defaults.ts';
import { connectSocket } from './connect.ts';

/** What a session runs, and how. */
export interface SessionRequest {
  argv: string[];
  /** Its size; null for pipes. */
  terminal: { rows: number; columns: number } | null;
  /** In our tree, or in the system that the user brought. */
  runAs: 'run' | 'enter';
  cwd?: string;
  env?: Record<string, string>;
}

/** Where a session's output goes. */
export interface SessionOutput {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

export interface SessionEnd {
  exitCode: number | null;
  /** Signal number. */
  signal: number | null;
}

/** Letter, then the payload's size, big-endian; guest/session.c is the other end. */
const HEAD_BYTES = 5;
/** The guest takes frames of up to 64 KiB. */
const PIECE_BYTES = 32 * 1024;

/**
 * One program in a guest with its input and output connected to us, over a port of its own: unlike the agent, it streams
 * both ways and can have a terminal.
 */
export class Session {
  readonly ended: Promise<SessionEnd>;
  private readonly socket: Socket;
  private readonly output: SessionOutput;
  private held: Buffer = Buffer.alloc(0);
  private resolveEnd: (end: SessionEnd) => void = () => undefined;
  private rejectEnd: (error: BenchError) => void = () => undefined;
  private started: () => void = () => undefined;

  private constructor(socket: Socket, output: SessionOutput) {
    this.socket = socket;
    this.output = output;
    this.ended = new Promise((resolve, reject) => {
      this.resolveEnd = resolve;
      this.rejectEnd = reject;
    });
    this.ended.catch(() => undefined);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () =>
      this.rejectEnd(new BenchError('vm-gone', 'the machine ended while a program ran in it')),
    );
  }

  /** @throws BenchError `vm-session-start` when the program could not be started, `vm-guest-timeout`, `vm-socket`. */
  static async open(path: string, request: SessionRequest, output: SessionOutput): Promise<Session> {
    const session = new Session(await connectSocket(path, SESSION_START_TIMEOUT_MS), output);
    const { argv, terminal, runAs, cwd, env = {} } = request;
    const words = [
      terminal ? 't' : 'p',
      runAs,
      cwd ?? '-',
      String(terminal?.rows ?? 0),
      String(terminal?.columns ?? 0),
      String(Object.keys(env).length),
      ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
      ...argv,
    ];
    let timer: NodeJS.Timeout | undefined;
    const running = new Promise<void>((resolve) => (session.started = resolve));
    const late = new Promise<never>((_, reject) => {
      const error = new BenchError(
        'vm-guest-timeout',
        `the guest did not start ${argv[0] ?? 'anything'} within ${SESSION_START_TIMEOUT_MS} ms`,
        { hint: 'bench vm console shows what the machine says' },
      );
      timer = setTimeout(() => reject(error), SESSION_START_TIMEOUT_MS);
    });
    session.send('S', Buffer.from(words.map((word) => `${word}\0`).join('')));
    try {
      await Promise.race([running, session.ended, late]);
      return session;
    } catch (error) {
      session.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Input for the program. False: wait for `drained` before sending more. */
  write(chunk: Uint8Array): boolean {
    let room = true;
    for (let at = 0; at < chunk.length; at += PIECE_BYTES)
      room = this.send('I', chunk.subarray(at, at + PIECE_BYTES));
    return room;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once('drain', resolve);
      this.socket.once('close', () => resolve());
    });
  }

  endInput(): void {
    this.send('E', Buffer.alloc(0));
  }

  resize(rows: number, columns: number): void {
    this.send('W', Buffer.from(`${rows} ${columns}`));
  }

  kill(signal: number): void {
    this.send('K', Buffer.from(String(signal)));
  }

  /** Without an end of the program the guest hangs it up. */
  close(): void {
    this.socket.destroy();
  }

  private send(type: string, payload: Uint8Array): boolean {
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(type, 'latin1');
    head.writeUInt32BE(payload.length, 1);
    return this.socket.write(Buffer.concat([head, payload]));
  }

  private take(chunk: Buffer): void {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    while (this.held.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.held.readUInt32BE(1);
      if (this.held.length < end) return;
      this.obey(String.fromCharCode(this.held[0] ?? 0), this.held.subarray(HEAD_BYTES, end));
      this.held = this.held.subarray(end);
    }
  }

  private obey(type: string, payload: Buffer): void {
    if (type === 'R') this.started();
    else if (type === 'O') this.output.stdout(payload);
    else if (type === 'X') this.output.stderr(payload);
    else if (type === 'D') {
      const [kind, number] = payload.toString('latin1').split(' ');
      if (kind === 'error')
        this.rejectEnd(
          new BenchError(
            'vm-session-start',
            `the program could not be started in the guest: ${getSystemErrorName(-Number(number))}`,
          ),
        );
      else
        this.resolveEnd({
          exitCode: kind === 'exit' ? Number(number) : null,
          signal: kind === 'signal' ? Number(number) : null,
        });
      this.close();
    }
  }
}
