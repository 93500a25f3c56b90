import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';

/** The slot of the launcher that holds the gate's named pipe; the ones below are for namespaces and cgroups. */
export const GATE_SLOT = 20;
/** Opened for both, so that the program waits for a byte and never sees an end of file. */
export const O_RDWR = constants.O_RDWR;

const MKFIFO_LIMIT_MS = 5000;

/** Makes a named pipe, only ours to use. Node has no call for it; coreutils' mkfifo does. */
export async function makeFifo(path: string): Promise<void> {
  const child = spawn('mkfifo', ['-m', '600', '--', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: MKFIFO_LIMIT_MS,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const failure = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? null : said.trim() || `ended by ${signal}`));
  });
  if (failure !== null) throw new BenchError('oci-gate', `the start gate ${path} cannot be made: ${failure}`);
}

/** Lets the program that waits at the gate go on. */
export function openGate(path: string): void {
  const gate = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(gate, '\n');
  } finally {
    closeSync(gate);
  }
}
