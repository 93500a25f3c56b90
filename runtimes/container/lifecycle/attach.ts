import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { BenchError } from '../../../results/bench-error.ts';
import { encodeFrame, FrameReader, FROM_PROGRAM, MAX_FRAME_BYTES, TO_PROGRAM } from './frames.ts';
import type { ContainerRecord } from './record.ts';

export interface AttachStreams {
  stdin: Readable | null;
  stdout: Writable;
  stderr: Writable;
  /** The caller's terminal, when it has one: its size is passed on. */
  size?: () => { rows: number; columns: number } | null;
}

/** A connection to a container's supervisor. */
export interface Attached {
  /** Resolves when the program ended and its output was written out, or the connection was let go. */
  ended: Promise<void>;
  resize(): void;
  detach(): void;
}

/** Connects; from then on output comes as it is printed. To miss nothing, attach before starting. */
export async function attachContainer(record: ContainerRecord, streams: AttachStreams): Promise<Attached> {
  const socket = await open(join(record.stateFolder, 'attach'), record.name);
  const reader = new FrameReader();
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (const { type, bytes } of reader.push(chunk)) {
        if (type === FROM_PROGRAM.stdout) streams.stdout.write(bytes);
        else if (type === FROM_PROGRAM.stderr) streams.stderr.write(bytes);
        else socket.end();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
  const resize = (): void => {
    const size = streams.size?.();
    if (!size) return;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt16LE(size.rows, 0);
    bytes.writeUInt16LE(size.columns, 2);
    socket.write(encodeFrame(TO_PROGRAM.size, bytes));
  };
  resize();
  streams.stdin?.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += MAX_FRAME_BYTES)
      socket.write(encodeFrame(TO_PROGRAM.input, chunk.subarray(at, at + MAX_FRAME_BYTES)));
  });
  streams.stdin?.on('end', () => socket.write(encodeFrame(TO_PROGRAM.endOfInput, Buffer.alloc(0))));
  return { ended, resize, detach: () => socket.destroy() };
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
