import { open } from 'node:fs/promises';
import { LAST_WORDS_CHARS } from '../defaults.ts';

/** The tail of the guest's serial console, as the host keeps it in a file. Empty when nothing was written. */
export async function consoleTail(path: string, chars = LAST_WORDS_CHARS): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, chars);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return printable(buffer.subarray(0, bytesRead).toString('utf8'));
  } finally {
    await file.close();
  }
}

/** Firmware and kernels send terminal control sequences; a log keeps the words only. */
export function printable(text: string): string {
  return text
    .replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\u001bc/g, '')
    .replaceAll(/[^\n\t\u0020-\u007e\u00a0-\uffff]/g, '')
    .trim();
}
