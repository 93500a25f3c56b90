import { randomInt } from 'node:crypto';
import * as z from 'zod';
import { BenchError } from '../../../results/bench-error.ts';
import { AGENT_TIMEOUT_MS, PIECE_BYTES } from '../defaults.ts';
import { LastingSocket } from './lasting-socket.ts';
import { LineReader } from './line-reader.ts';

const answerSchema = z.object({
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});
const pidSchema = z.object({ pid: z.int() });
const statusSchema = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': z.string().optional(),
  'err-data': z.string().optional(),
  'out-truncated': z.boolean().optional(),
  'err-truncated': z.boolean().optional(),
});
const readSchema = z.object({ count: z.int(), 'buf-b64': z.string(), eof: z.boolean() });
const writeSchema = z.object({ count: z.int(), eof: z.boolean() });

export interface AgentExecStatus {
  exited: boolean;
  exitCode: number | null;
  signal: number | null;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
}

/** The sentinel that makes the agent drop what it holds, and that it sends before a delimited answer. */
const SENTINEL = 0xff;

/**
 * The guest agent's protocol over its virtio-serial port. The agent has no ids: requests go one at a time, in order, and
 * after anything unanswered the stream is synchronised again (guest-sync-delimited) before the next one.
 */
export class AgentClient {
  private readonly socket: LastingSocket;
  private queue: Promise<unknown> = Promise.resolve();
  private synchronised = false;
  /** Resolves when there is a connection, or never will be one again. */
  private standing: Promise<void> = Promise.resolve();
  private stands: () => void = () => undefined;
  private lost: BenchError | undefined;
  private take: ((line: string) => void) | undefined;
  private fail: ((error: BenchError) => void) | undefined;

  private constructor(socket: LastingSocket) {
    this.socket = socket;
    let reader = new LineReader();
    socket.listen({
      data: (chunk) => {
        // The sentinel is no UTF-8; as a line end of its own it separates stale bytes from the delimited answer.
        const marked = Buffer.from(chunk);
        for (let at = marked.indexOf(SENTINEL); at >= 0; at = marked.indexOf(SENTINEL, at + 1))
          marked[at] = 10;
        for (const line of reader.push(marked)) if (line !== '') this.take?.(line);
      },
      dropped: () => {
        this.synchronised = false;
        this.standing = new Promise((resolve) => (this.stands = resolve));
        this.fail?.(
          new BenchError(
            'vm-connection-cut',
            "the agent's connection was cut before its answer, which is lost",
          ),
        );
      },
      back: () => {
        reader = new LineReader();
        this.stands();
      },
      lost: (error) => {
        this.abandon(error);
        this.stands();
      },
    });
  }

  static async connect(path: string, timeoutMs: number, alive?: () => boolean): Promise<AgentClient> {
    return new AgentClient(await LastingSocket.connect(path, "the agent's connection", timeoutMs, alive));
  }

  /** Cuts the connection, as a fault would. */
  cut(): void {
    this.socket.cut();
  }

  /** Resolves when the agent answers. Bytes wait in the port until it does, so nothing polls. */
  async sync(timeoutMs = AGENT_TIMEOUT_MS): Promise<void> {
    await this.enqueue(() => this.synchronise(timeoutMs));
  }

  /**
   * One request, its answer.
   *
   * @throws BenchError `vm-agent` (refused, in the agent's words), `vm-agent-timeout`, `vm-gone`, `vm-agent-died`.
   */
  execute(
    command: string,
    parameters: Record<string, unknown> = {},
    timeoutMs = AGENT_TIMEOUT_MS,
  ): Promise<unknown> {
    return this.enqueue(async () => {
      if (!this.synchronised) await this.synchronise(timeoutMs);
      const text = await this.exchange(
        `${JSON.stringify({ execute: command, arguments: parameters })}\n`,
        command,
        timeoutMs,
        () => true,
      );
      const answer = answerSchema.parse(JSON.parse(text));
      if (answer.error)
        throw new BenchError(
          'vm-agent',
          `the guest agent refused ${command}: ${answer.error.desc} (${answer.error.class})`,
        );
      return answer.return;
    });
  }

  /** Starts a program; the answer is its pid in the guest. */
  async exec(
    path: string,
    args: string[],
    options: { stdin?: Uint8Array; timeoutMs?: number } = {},
  ): Promise<number> {
    const { stdin, timeoutMs } = options;
    const input = stdin ? { 'input-data': Buffer.from(stdin).toString('base64') } : {};
    const answer = await this.execute(
      'guest-exec',
      { path, arg: args, 'capture-output': true, ...input },
      timeoutMs,
    );
    return pidSchema.parse(answer).pid;
  }

  async execStatus(pid: number, timeoutMs = AGENT_TIMEOUT_MS): Promise<AgentExecStatus> {
    const status = statusSchema.parse(await this.execute('guest-exec-status', { pid }, timeoutMs));
    return {
      exited: status.exited,
      exitCode: status.exitcode ?? null,
      signal: status.signal ?? null,
      stdout: Buffer.from(status['out-data'] ?? '', 'base64'),
      stderr: Buffer.from(status['err-data'] ?? '', 'base64'),
      truncated: status['out-truncated'] === true || status['err-truncated'] === true,
    };
  }

  /** The whole of a guest's file, in pieces. */
  async *readFile(path: string): AsyncGenerator<Buffer> {
    const handle = z.int().parse(await this.execute('guest-file-open', { path, mode: 'r' }));
    try {
      for (;;) {
        const piece = readSchema.parse(await this.execute('guest-file-read', { handle, count: PIECE_BYTES }));
        if (piece.count > 0) yield Buffer.from(piece['buf-b64'], 'base64');
        if (piece.eof || piece.count === 0) return;
      }
    } finally {
      await this.execute('guest-file-close', { handle }).catch(() => undefined);
    }
  }

  /** Writes a guest's file from pieces of any size. */
  async writeFile(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const handle = z.int().parse(await this.execute('guest-file-open', { path, mode: 'w' }));
    try {
      for await (const piece of pieces) {
        for (let at = 0; at < piece.length;) {
          const part = piece.subarray(at, at + PIECE_BYTES);
          const { count } = writeSchema.parse(
            await this.execute('guest-file-write', {
              handle,
              'buf-b64': Buffer.from(part).toString('base64'),
            }),
          );
          if (count <= 0) throw new BenchError('vm-agent', `the guest could not write ${path}`);
          at += count;
        }
      }
      await this.execute('guest-file-flush', { handle });
    } finally {
      await this.execute('guest-file-close', { handle }).catch(() => undefined);
    }
  }

  /** Sets the guest's wall clock, ns since 1970. */
  async setTime(unixNs: bigint): Promise<void> {
    // The protocol's number is 64 bits wide and JSON.stringify would round it: it is written by hand.
    await this.enqueue(async () => {
      if (!this.synchronised) await this.synchronise(AGENT_TIMEOUT_MS);
      const request = `{"execute":"guest-set-time","arguments":{"time":${unixNs}}}\n`;
      const text = await this.exchange(request, 'guest-set-time', AGENT_TIMEOUT_MS, () => true);
      const answer = answerSchema.parse(JSON.parse(text));
      if (answer.error)
        throw new BenchError('vm-agent', `the guest agent refused guest-set-time: ${answer.error.desc}`);
    });
  }

  /** Everything that waits, and everything asked from now on, fails with this. */
  abandon(error: BenchError): void {
    this.lost ??= error;
    this.fail?.(this.lost);
  }

  close(): void {
    this.abandon(new BenchError('vm-gone', "the agent's connection was closed"));
    this.socket.close();
  }

  private enqueue<T>(job: () => Promise<T>): Promise<T> {
    const result = this.queue.then(() => this.standing).then(job);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async synchronise(timeoutMs: number): Promise<void> {
    const id = randomInt(1, 2 ** 47);
    const request = Buffer.concat([
      Buffer.from([SENTINEL]),
      Buffer.from(`${JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } })}\n`),
    ]);
    // Answers of an earlier life, and the error that the sentinel itself provokes, are passed over.
    await this.exchange(request, 'guest-sync-delimited', timeoutMs, (line) => isAnswer(line, id));
    this.synchronised = true;
  }

  private async exchange(
    request: string | Uint8Array,
    command: string,
    timeoutMs: number,
    accept: (line: string) => boolean,
  ): Promise<string> {
    if (this.lost) throw this.lost;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.take = (line) => {
          if (accept(line)) resolve(line);
        };
        this.fail = reject;
        timer = setTimeout(() => {
          this.synchronised = false;
          reject(
            new BenchError(
              'vm-agent-timeout',
              `the guest agent did not answer ${command} within ${timeoutMs} ms`,
            ),
          );
        }, timeoutMs);
        this.socket.write(request);
      });
    } finally {
      clearTimeout(timer);
      this.take = undefined;
      this.fail = undefined;
    }
  }
}

function isAnswer(line: string, id: number): boolean {
  try {
    return (JSON.parse(line) as { return?: unknown }).return === id;
  } catch {
    return false;
  }
}
