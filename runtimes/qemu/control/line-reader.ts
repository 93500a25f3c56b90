/** Cuts a byte stream into lines without their end. Memory is bounded: a line longer than `limit` bytes is an error. */
export class LineReader {
  private parts: Buffer[] = [];
  private size = 0;
  private readonly limit: number;

  constructor(limit = 128 * 1024 * 1024) {
    this.limit = limit;
  }

  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.parts.push(chunk.subarray(from, end));
      const line = Buffer.concat(this.parts).toString('utf8');
      this.parts = [];
      this.size = 0;
      from = end + 1;
      lines.push(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
    if (from < chunk.length) {
      this.parts.push(chunk.subarray(from));
      this.size += chunk.length - from;
      if (this.size > this.limit) throw new Error(`a line of more than ${this.limit} bytes`);
    }
    return lines;
  }
}
