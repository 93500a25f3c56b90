import { BenchError } from '../../results/bench-error.ts';

/** stdout is for results, stderr for status; handed to the verbs so that tests can read what was printed. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when stderr is a terminal that can rewrite a line. */
  live: boolean;
  color: boolean;
  width: number;
}

/** The terminal of this process. NO_COLOR and FORCE_COLOR are heeded. */
export function processTerminal(): Terminal {
  const env = process.env;
  const color = env.NO_COLOR
    ? false
    : env.FORCE_COLOR && env.FORCE_COLOR !== '0'
      ? true
      : process.stdout.isTTY === true;
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(text),
    live: process.stderr.isTTY === true && env.TERM !== 'dumb',
    color,
    width: process.stdout.columns ?? 100,
  };
}

/** An error in words: what, then what to do next; a defect of ours with its stack. */
export function errorText(error: unknown): string {
  if (error instanceof BenchError) {
    return `bench: ${error.message}${error.hint ? `\n  → ${error.hint}` : ''} [${error.code}]\n`;
  }
  return `bench: this is a defect of Tare, please report it\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}
