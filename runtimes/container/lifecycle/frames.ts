/** One piece of output or one message of the attach socket. */
export interface Frame {
  type: number;
  bytes: Buffer;
}

/** Types of frames, as c/supervise.c has them. */
export const TO_PROGRAM = { input: 0, size: 1, endOfInput: 2 } as const;
export const FROM_PROGRAM = { end: 0, stdout: 1, stderr: 2 } as const;
/** The supervisor ends a connection that sends more at once. */
export const MAX_FRAME_BYTES = 16_384;

export function encodeFrame(type: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(type, 0);
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Cuts a stream into frames; keeps what is incomplete. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const frames: Frame[] = [];
    while (this.rest.length >= 5) {
      const length = this.rest.readUInt32LE(1);
      if (this.rest.length < 5 + length) break;
      frames.push({ type: this.rest.readUInt8(0), bytes: this.rest.subarray(5, 5 + length) });
      this.rest = this.rest.subarray(5 + length);
    }
    return frames;
  }
}

/** A line of the log file: what was printed, where and when. */
export interface LogEntry {
  stream: number;
  unixNs: bigint;
  bytes: Buffer;
}

/** Reads a log: "<stream> <unix ns> <length>\n" and the bytes, again and again; what is cut off at the end is left. */
export function parseLog(bytes: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const match = end < 0 ? null : /^(\d) (\d+) (\d+)$/.exec(bytes.toString('latin1', at, end));
    if (!match) break;
    const length = Number(match[3]);
    if (end + 1 + length > bytes.length) break;
    entries.push({
      stream: Number(match[1]),
      unixNs: BigInt(match[2] ?? '0'),
      bytes: bytes.subarray(end + 1, end + 1 + length),
    });
    at = end + 1 + length;
  }
  return entries;
}
