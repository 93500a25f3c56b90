import { readFileSync } from 'node:fs';

/** A file's number, or null where the file or the number is not there. */
export function readNumber(path: string): number | null {
  const text = readText(path)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}

/** The value behind a key in a flat "key value" file (cpu.stat, memory.events). */
export function readKey(path: string, key: string): number | null {
  const match = new RegExp(`^${key} (\\d+)$`, 'm').exec(readText(path) ?? '');
  return match ? Number(match[1]) : null;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Bytes read and written, from blkio.throttle.io_service_bytes ("8:0 Read 4096" per device). */
export function parseBlkioBytes(text: string): { read: number; write: number } {
  const sum = { read: 0, write: 0 };
  for (const [, verb, bytes] of text.matchAll(/^\d+:\d+ (Read|Write) (\d+)$/gm)) {
    if (verb === 'Read') sum.read += Number(bytes);
    else sum.write += Number(bytes);
  }
  return sum;
}

/** Bytes read and written, from io.stat ("8:0 rbytes=4096 wbytes=0 …" per device). */
export function parseIoStat(text: string): { read: number; write: number } {
  const sum = { read: 0, write: 0 };
  for (const [, bytes] of text.matchAll(/\brbytes=(\d+)/g)) sum.read += Number(bytes);
  for (const [, bytes] of text.matchAll(/\bwbytes=(\d+)/g)) sum.write += Number(bytes);
  return sum;
}

/** Proportional set size over processes, bytes; processes that end meanwhile count nothing. Null when none could be read. */
export function pssBytes(pids: Iterable<number>): number | null {
  let sum: number | null = null;
  for (const pid of pids) {
    const match = /^Pss:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`) ?? '');
    if (match) sum = (sum ?? 0) + Number(match[1]) * 1024;
  }
  return sum;
}
