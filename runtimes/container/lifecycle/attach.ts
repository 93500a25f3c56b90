import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { BenchError } from '../../../results/bench-error.ts';
import { DetachWatch } from './detach-keys.ts';
import { encodeFrame, FrameReader, FROM_PROGRAM, MAX_FRAME_BYTES, TO_PROGRAM } from './frames.ts';

/** Our own streams, as a verb hands them over. */
export interface Foreground {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };
  stdout: Writable & { isTTY?: boolean; rows?: number; columns?: number };
  stderr: Writable;
  signal: AbortSignal;
}

export interface AttachOptions {
  /** Where the supervisor's socket is, and what to call it in messages. */
  folder: string;
  name: string;
  /** Our input goes to the program. */
  input: boolean;
  /** The program has a terminal: ours is made raw, and its size is passed on. */
  terminal: boolean;
  detachKeys: Buffer;
  /** Called on the first interrupt, to pass it on; without it the connection is let go. */
  interrupted?: () => void;
}

export type AttachEnd = 'ended' | 'detached';

/** A connection to a supervisor; nothing is missed of what is printed from here on. */
export interface Attached {
  /** Resolves when the program ended and its output was written out, or the connection was let go. */
  ended: Promise<AttachEnd>;
}

/** Connects our streams to a program's. To miss nothing, attach before opening its gate. */
export async function attach(options: AttachOptions, io: Foreground): Promise<Attached> {
  const { stdin, stdout, stderr, signal } = io;
  const socket = await open(join(options.folder, 'attach'), options.name);
  const raw = options.terminal && options.input && stdin.isTTY === true;
  const resize = (): void => {
    // A terminal of ours decides; without one the program keeps the size it was made with.
    if (options.terminal && stdout.isTTY === true) socket.write(sizeFrame(stdout.rows, stdout.columns));
  };
  let detached = false;
  const letGo = (): void => {
    detached = true;
    socket.destroy();
  };
  const watch = new DetachWatch(options.detachKeys);
  const typed = (chunk: Buffer): void => {
    const { pass, detach } = raw ? watch.push(chunk) : { pass: chunk, detach: false };
    for (let at = 0; at < pass.length; at += MAX_FRAME_BYTES)
      socket.write(encodeFrame(TO_PROGRAM.input, pass.subarray(at, at + MAX_FRAME_BYTES)));
    if (detach) letGo();
  };
  const closed = (): void => void socket.write(encodeFrame(TO_PROGRAM.endOfInput, Buffer.alloc(0)));
  const aborted = (): void => (options.interrupted ? options.interrupted() : letGo());
  resize();
  if (raw) stdin.setRawMode?.(true);
  stdout.on('resize', resize);
  signal.addEventListener('abort', aborted, { once: true });
  if (options.input) stdin.on('data', typed).on('end', closed);
  const ended = relay(socket, stdout, stderr).then((): AttachEnd => {
    stdout.off('resize', resize);
    signal.removeEventListener('abort', aborted);
    if (options.input) stdin.off('data', typed).off('end', closed).pause();
    if (raw) stdin.setRawMode?.(false);
    return detached ? 'detached' : 'ended';
  });
  return { ended };
}

function relay(socket: Socket, stdout: Writable, stderr: Writable): Promise<void> {
  const reader = new FrameReader();
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (const { type, bytes } of reader.push(chunk)) {
        if (type === FROM_PROGRAM.stdout) stdout.write(bytes);
        else if (type === FROM_PROGRAM.stderr) stderr.write(bytes);
        else socket.end();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

function sizeFrame(rows = 24, columns = 80): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(rows, 0);
  bytes.writeUInt16LE(columns, 2);
  return encodeFrame(TO_PROGRAM.size, bytes);
}

function open(path: string, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) =>
      reject(
        new BenchError('container-not-running', `${name} cannot be attached to: it has ended`, { cause }),
      ),
    );
  });
}
