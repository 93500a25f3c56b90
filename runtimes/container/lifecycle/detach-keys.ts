import { BenchError } from '../../../results/bench-error.ts';

/** Docker's: leaves the program running and gives the terminal back. */
export const DETACH_KEYS = 'ctrl-p,ctrl-q';

/** `ctrl-p,ctrl-q` or single characters, as the bytes a terminal sends. @throws BenchError `detach-keys`. */
export function parseDetachKeys(text: string): Buffer {
  const bytes = text.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 31;
    return key.length === 1 ? key.charCodeAt(0) : NaN;
  });
  if (bytes.every((byte) => byte < 128)) return Buffer.from(bytes);
  throw new BenchError('detach-keys', `'${text}' are no keys to detach by`, {
    hint: 'keys with commas between them, e.g. ctrl-p,ctrl-q or ctrl-x,x',
  });
}

/**
 * Looks for the keys in what is typed. Their beginning is held back until it is plain that they are not meant, so that the
 * program gets either nothing or all of it.
 */
export class DetachWatch {
  readonly #keys: Buffer;
  #held = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What goes on to the program, and whether the keys were pressed. */
  push(typed: Buffer): { pass: Buffer; detach: boolean } {
    const pass: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#held]) {
        if (++this.#held === this.#keys.length) return { pass: Buffer.from(pass), detach: true };
        continue;
      }
      pass.push(...this.#keys.subarray(0, this.#held));
      this.#held = byte === this.#keys[0] ? 1 : 0;
      if (this.#held === 0) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detach: false };
  }
}
